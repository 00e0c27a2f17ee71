// SPDX-License-Identifier: MIT
//
// Points in polygons and ways over segments, by hand.
#include "tests/support/catch.h"
#include "tools/analysis/geometry.h"

#include <vector>

using namespace convoy::analysis;

TEST_CASE("points inside, outside, and on the edge of a polygon") {
    const std::vector<Point> square = {{0, 0}, {10, 0}, {10, 10}, {0, 10}};
    CHECK(holds(square, {5, 5}));
    for (const Point p : {Point{0, 0}, {10, 10}, {0, 5}, {10, 5}, {5, 0}, {5, 10}}) CHECK(holds(square, p));
    for (const Point p : {Point{-1, 5}, {11, 5}, {5, -1}, {5, 11}, {-1, 0}, {11, 0}, {-1, 10}, {11, 10}})
        CHECK_FALSE(holds(square, p));
    const std::vector<Point> turned(square.rbegin(), square.rend());
    CHECK(holds(turned, {5, 5}));
    CHECK(signed_area(square) == 200);
    CHECK(signed_area(turned) == -200);
}

TEST_CASE("a concave polygon does not hold what lies in its notch") {
    // A U: a ray from the notch meets two walls, one from the left of it four.
    const std::vector<Point> u = {{0, 0}, {3, 0}, {3, 7}, {7, 7}, {7, 0}, {10, 0}, {10, 10}, {0, 10}};
    CHECK(holds(u, {1, 3}));
    CHECK(holds(u, {9, 3}));
    CHECK(holds(u, {5, 8}));
    CHECK(holds(u, {5, 7}));  // on its edge
    CHECK_FALSE(holds(u, {5, 3}));
    CHECK_FALSE(holds(u, {5, 0}));
    CHECK_FALSE(holds(u, {-1, 7}));  // a ray along an edge
    CHECK_FALSE(holds(u, {-1, 0}));
}

TEST_CASE("a spike that a ray meets at its tip") {
    const std::vector<Point> diamond = {{5, 0}, {10, 5}, {5, 10}, {0, 5}};
    CHECK_FALSE(holds(diamond, {-1, 5}));
    CHECK_FALSE(holds(diamond, {0, 0}));
    CHECK_FALSE(holds(diamond, {0, 10}));
    CHECK(holds(diamond, {1, 5}));
    CHECK(holds(diamond, {7.5, 2.5}));  // on a slanted edge
}

TEST_CASE("segments that touch, cross, or miss") {
    CHECK(segments_touch({0, 0}, {10, 10}, {0, 10}, {10, 0}));
    CHECK(segments_touch({0, 0}, {10, 0}, {5, 0}, {5, 5}));
    CHECK(segments_touch({0, 0}, {10, 0}, {10, 0}, {20, 5}));
    CHECK(segments_touch({0, 0}, {10, 0}, {5, 0}, {20, 0}));
    CHECK(segments_touch({0, 0}, {10, 0}, {2, 0}, {3, 0}));
    CHECK_FALSE(segments_touch({0, 0}, {10, 0}, {11, 0}, {20, 0}));
    CHECK_FALSE(segments_touch({0, 0}, {10, 0}, {5, 1}, {5, 5}));
    CHECK_FALSE(segments_touch({0, 0}, {10, 0}, {0, 1}, {10, 1}));
}

TEST_CASE("the distance to a segment is that to its nearest point") {
    CHECK(distance_to_segment({5, 3}, {0, 0}, {10, 0}) == 3);
    CHECK(distance_to_segment({13, 4}, {0, 0}, {10, 0}) == 5);
    CHECK(distance_to_segment({-3, -4}, {0, 0}, {10, 0}) == 5);
    CHECK(distance_to_segment({3, 4}, {0, 0}, {0, 0}) == 5);
}

TEST_CASE("ways over a segment, with the sides of who looks along it") {
    const Point from{0, 0}, to{10, 0};  // to the right: below is the right side
    CHECK(crossing({5, -1}, {5, 1}, from, to) == Crossing::to_right);
    CHECK(crossing({5, 1}, {5, -1}, from, to) == Crossing::to_left);
    CHECK(crossing({5, -1}, {5, 1}, to, from) == Crossing::to_left);
    CHECK(crossing({5, 1}, {6, 1}, from, to) == Crossing::none);
    CHECK(crossing({11, -1}, {11, 1}, from, to) == Crossing::none);  // past its end
    CHECK(crossing({10, -1}, {10, 1}, from, to) == Crossing::to_right);
    CHECK(crossing({0, -1}, {0, 1}, from, to) == Crossing::to_right);
    CHECK(crossing({12, -2}, {8, 2}, from, to) == Crossing::to_right);  // through the end
    CHECK(crossing({2, 0}, {8, 0}, from, to) == Crossing::none);        // along it
    // The line itself is its right side: who comes to it from the left has crossed, who goes on has not again.
    CHECK(crossing({5, -1}, {5, 0}, from, to) == Crossing::to_right);
    CHECK(crossing({5, 0}, {5, 1}, from, to) == Crossing::none);
    CHECK(crossing({5, 0}, {5, -1}, from, to) == Crossing::to_left);
    CHECK(crossing({5, 1}, {5, 0}, from, to) == Crossing::none);
}
