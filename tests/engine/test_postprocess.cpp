// SPDX-License-Identifier: MIT
#include "engine/run/postprocess.h"

#include "tests/support/catch.h"

using namespace convoy;

namespace {
std::vector<Detection> three() {
    return {{2, .3f, {10, 10, 5, 5}}, {0, .9f, {-4, -6, 20, 20}}, {2, .5f, {90, 95, 30, 30}}};
}
}  // namespace

TEST_CASE("boxes are clipped to the picture and keep their order", "[postprocess]") {
    std::vector<Detection> d = three();
    finish_detections({}, 100, 100, d);
    REQUIRE(d.size() == 3);
    CHECK(d[0].box.x == 10.f);
    CHECK((d[1].box.x == 0.f && d[1].box.y == 0.f && d[1].box.w == 16.f && d[1].box.h == 14.f));
    CHECK((d[2].box.x == 90.f && d[2].box.y == 95.f && d[2].box.w == 10.f && d[2].box.h == 5.f));
}

TEST_CASE("a box without a point inside the picture is none", "[postprocess]") {
    const Box inside = {40, 40, 10, 10};
    for (const Box& outside : {Box{-50, 40, 20, 20}, Box{40, 200, 20, 20}, Box{-50, 200, 20, 20}, Box{40, -30, 20, 30},
                               Box{100, 40, 20, 20}, Box{-20, 40, 20, 20}, Box{40, 1e30f, 1e30f, 1e30f}}) {
        INFO(outside.x << ' ' << outside.y);
        DetectOptions one;
        one.max_boxes = 1;  // a place that no box outside takes
        std::vector<Detection> d = {{0, .9f, outside}, {0, .5f, inside}};
        finish_detections(one, 100, 100, d);
        REQUIRE(d.size() == 1);
        CHECK(d[0].box.x == 40);
    }
    std::vector<Detection> d = {
        {0, .5f, {-1e30f, -2, 2e30f, 1e30f}}, {0, .5f, {99.5f, -19.5f, 20, 20}}, {0, .5f, {50, 50, 0, 0}}};
    finish_detections({}, 100, 100, d);
    REQUIRE(d.size() == 3);
    CHECK((d[0].box.x == 0 && d[0].box.y == 0 && d[0].box.w == 100 && d[0].box.h == 100));
    CHECK((d[1].box.w == .5f && d[1].box.h == .5f));
}

TEST_CASE("only the wanted classes stay", "[postprocess]") {
    DetectOptions options;
    options.classes = {2};
    std::vector<Detection> d = three();
    finish_detections(options, 100, 100, d);
    REQUIRE(d.size() == 2);
    CHECK(d[0].confidence == .3f);
    CHECK(d[1].confidence == .5f);
}

TEST_CASE("the most confident boxes stay, in the order they had", "[postprocess]") {
    DetectOptions options;
    options.max_boxes = 2;
    std::vector<Detection> d = three();
    finish_detections(options, 100, 100, d);
    REQUIRE(d.size() == 2);
    CHECK(d[0].confidence == .9f);
    CHECK(d[1].confidence == .5f);
}
