// SPDX-License-Identifier: MIT
#include "engine/run/tiles.h"

#include <cmath>

#include "tests/engine/tile_reference.h"
#include "tests/support/catch.h"
#include "tests/support/random.h"

using namespace convoy;

namespace {

const std::atomic<bool> kGoOn = false;

TileOptions grid(int columns, int rows, float overlap = 0, bool whole = false) {
    return {columns, rows, overlap, whole};
}

std::vector<Detection> join(const std::vector<Area>& areas, const std::vector<std::vector<Detection>>& found,
                            const DetectOptions& options = {}) {
    return join_tiles(options, areas, found, kGoOn).value();
}

Box only(const std::vector<Detection>& detections) {
    REQUIRE(detections.size() == 1);
    return detections[0].box;
}

bool equal(const Box& a, const Box& b) { return a.x == b.x && a.y == b.y && a.w == b.w && a.h == b.h; }

// Two tiles of 120x100 side by side, 20 of which both see; and the whole frame of 220x100.
const std::vector<Area> kTwo = {{0, 0, 120, 100}, {100, 0, 120, 100}};
const std::vector<Area> kThree = {{0, 0, 120, 100}, {100, 0, 120, 100}, {0, 0, 220, 100}};

}  // namespace

TEST_CASE("tiles cover the frame, begin at even pixels, and overlap as asked", "[tiles]") {
    for (auto [width, height] : {std::pair{1920, 1080}, {1919, 1081}, {641, 427}, {64, 64}, {33, 35}})
        for (auto [columns, rows] : {std::pair{3, 2}, {2, 3}, {1, 4}, {4, 1}, {7, 5}, {16, 16}})
            for (float overlap : {0.f, .1f, .2f, .5f, .9f})
                for (bool whole : {false, true}) {
                    INFO(columns << 'x' << rows << " tiles of " << width << 'x' << height << ", overlap " << overlap);
                    const TileOptions options = grid(columns, rows, overlap, whole);
                    const std::vector<Area> areas = tile_areas(options, width, height);
                    REQUIRE(int(areas.size()) == options.count());
                    if (whole) CHECK(areas.back() == Area{0, 0, width, height});
                    const double across = width / (columns - (columns - 1) * double(overlap));
                    const double down = height / (rows - (rows - 1) * double(overlap));
                    for (int i = 0; i < columns * rows; ++i) {
                        const Area& a = areas[std::size_t(i)];
                        const int column = i % columns, row = i / columns;
                        CHECK((a.x % 2 == 0 && a.y % 2 == 0));
                        CHECK((a.x >= 0 && a.y >= 0 && a.x + a.width <= width && a.y + a.height <= height));
                        CHECK(std::fabs(a.x - column * across * (1 - double(overlap))) < 2.01);
                        CHECK(std::fabs(a.width - across) < 3.01);
                        CHECK(std::fabs(a.height - down) < 3.01);
                        if (column == 0) CHECK(a.x == 0);
                        if (row == 0) CHECK(a.y == 0);
                        if (column == columns - 1) CHECK(a.x + a.width == width);
                        if (row == rows - 1) CHECK(a.y + a.height == height);
                        if (column > 0) {
                            const Area& before = areas[std::size_t(i) - 1];
                            CHECK(before.x + before.width - a.x + 1 >= int(double(overlap) * across));
                            CHECK(before.x + before.width >= a.x);
                        }
                    }
                }
    CHECK(tile_areas(grid(1, 1, .2f, true), 40, 30) == std::vector<Area>{{0, 0, 40, 30}});
    CHECK(tile_areas(grid(3, 2), 3840, 2160)[5] == Area{2560, 1080, 1280, 1080});
}

TEST_CASE("an area is a picture of its own in the memory of the frame", "[tiles]") {
    std::vector<std::uint8_t> bytes(4096);
    PixelView v;
    v.plane[0] = bytes.data(), v.plane[1] = bytes.data() + 2000;
    v.pitch[0] = 100, v.pitch[1] = 64;
    v.width = 31, v.height = 19;
    const PixelView rgb = view_of(v, {6, 4, 9, 7});
    CHECK((rgb.plane[0] == bytes.data() + 4 * 100 + 6 * 3 && rgb.width == 9 && rgb.height == 7));
    v.format = PixelFormat::nv12;
    const PixelView nv12 = view_of(v, {6, 4, 9, 7});
    CHECK((nv12.plane[0] == bytes.data() + 4 * 100 + 6 && nv12.plane[1] == bytes.data() + 2000 + 2 * 64 + 6));
    CHECK((nv12.pitch[0] == 100 && nv12.pitch[1] == 64));
}

TEST_CASE("boxes of different tiles are told in the frame's pixels, the strongest first", "[tiles]") {
    const auto joined =
        join(kTwo, {{{3, .5f, {10, 20, 30, 40}}}, {{3, .7f, {50, 20, 30, 40}}, {4, .5f, {60, 1, 9, 9}}}});
    REQUIRE(joined.size() == 3);
    CHECK((joined[0].confidence == .7f && equal(joined[0].box, {150, 20, 30, 40})));
    CHECK((joined[1].class_id == 3 && equal(joined[1].box, {10, 20, 30, 40})));
    CHECK((joined[2].class_id == 4 && equal(joined[2].box, {160, 1, 9, 9})));
}

TEST_CASE("what two tiles see whole is one thing, by its stronger box", "[tiles]") {
    const std::vector<std::vector<Detection>> found = {{{0, .5f, {102, 20, 12, 12}}}, {{0, .7f, {3, 21, 12, 12}}}};
    CHECK(equal(only(join(kTwo, found)), {103, 21, 12, 12}));
    DetectOptions strict;
    strict.nms = .9f;
    CHECK(join(kTwo, found, strict).size() == 2);
    std::vector<std::vector<Detection>> other = found;
    other[1][0].class_id = 1;
    CHECK(join(kTwo, other).size() == 2);
    DetectOptions across;
    across.nms_across_classes = true;
    const std::vector<Detection> joined = join(kTwo, other, across);
    CHECK(equal(only(joined), {103, 21, 12, 12}));
    CHECK(joined[0].class_id == 1);
    CHECK(join(kTwo, {{{0, .5f, {50, 20, 12, 12}}, {0, .7f, {51, 21, 12, 12}}}, {}}).size() == 2);  // of one tile
}

TEST_CASE("a part that a border has cut off belongs to what another tile sees whole", "[tiles]") {
    // Seen whole by the second tile, in part by the first, which is more certain.
    const auto joined = join(kTwo, {{{0, .9f, {104, 20, 16, 40}}}, {{0, .6f, {4, 20, 60, 40}}}});
    CHECK(equal(only(joined), {104, 20, 60, 40}));
    CHECK(joined[0].confidence == .9f);
    // The same box away from the border is a thing of its own.
    CHECK(join(kThree, {{{0, .9f, {64, 20, 16, 40}}}, {}, {{0, .6f, {60, 10, 90, 80}}}}).size() == 2);
    // A small thing in front of a part of a large one is no part of it.
    CHECK(join(kTwo, {{{0, .9f, {30, 10, 90, 80}}}, {{0, .6f, {4, 20, 8, 8}}}}).size() == 2);
    // A tile that sees nothing but the inside of a thing.
    CHECK(
        equal(only(join(kThree, {{{0, .9f, {0, 0, 120, 100}}}, {}, {{0, .6f, {0, 0, 200, 100}}}})), {0, 0, 200, 100}));
}

TEST_CASE("parts of what no tile sees whole are one box around all of them", "[tiles]") {
    const std::vector<std::vector<Detection>> halves = {{{0, .6f, {40, 20, 80, 40}}}, {{0, .8f, {0, 22, 70, 40}}}};
    const auto joined = join(kTwo, halves);
    CHECK(equal(only(joined), {40, 20, 130, 42}));
    CHECK(joined[0].confidence == .8f);
    // Without an overlap they only touch.
    const std::vector<Area> apart = {{0, 0, 110, 100}, {110, 0, 110, 100}};
    CHECK(equal(only(join(apart, {{{0, .6f, {40, 20, 70, 40}}}, {{0, .8f, {0, 20, 60, 40}}}})), {40, 20, 130, 40}));
    // Two things that end at the border, but are not of one height.
    CHECK(join(apart, {{{0, .6f, {40, 0, 70, 90}}}, {{0, .8f, {0, 60, 60, 30}}}}).size() == 2);
    // One over the other.
    const std::vector<Area> stacked = {{0, 0, 100, 110}, {0, 110, 100, 110}};
    CHECK(equal(only(join(stacked, {{{0, .6f, {20, 40, 40, 70}}}, {{0, .8f, {20, 0, 40, 60}}}})), {20, 40, 40, 130}));
    // Over three tiles; the middle of it is the weakest.
    const std::vector<Area> three = {{0, 0, 100, 50}, {100, 0, 100, 50}, {200, 0, 100, 50}};
    CHECK(
        equal(only(join(three, {{{0, .9f, {50, 5, 50, 40}}}, {{0, .3f, {0, 5, 100, 40}}}, {{0, .8f, {0, 5, 40, 40}}}})),
              {50, 5, 190, 40}));
}

TEST_CASE("joining by looking at every pair of boxes comes to the same", "[tiles]") {
    int joined_boxes = 0;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        const std::vector<float> random = test::random_floats(4096, seed, 0, 1);
        std::size_t at = 0;
        const auto pick = [&](int most) { return int(random[at++ % random.size()] * float(most)); };
        const TileOptions tiles = grid(1 + pick(4), 1 + pick(3), .25f * float(pick(3)), pick(2));
        const std::vector<Area> areas = tile_areas(tiles, 400 + pick(50), 300 + pick(50));
        DetectOptions options;
        options.nms_across_classes = pick(4) == 0;
        options.nms = .25f * float(1 + pick(3));
        std::vector<std::vector<Detection>> found(areas.size());
        std::size_t boxes = 0;
        // Things in the frame, of each of which every tile sees its part, more or less.
        for (int things = pick(20); things > 0; --things) {
            const int class_id = pick(3), x = pick(380), y = pick(280);
            const int right = std::min(400, x + 4 + pick(200)), bottom = std::min(300, y + 4 + pick(200));
            for (std::size_t i = 0; i < areas.size(); ++i) {
                const Area& a = areas[i];
                const int begin_x = std::max(x - a.x + pick(5) - 2, 0), begin_y = std::max(y - a.y + pick(5) - 2, 0);
                const int w = std::min(right - a.x + pick(5) - 2, a.width) - begin_x;
                const int h = std::min(bottom - a.y + pick(5) - 2, a.height) - begin_y;
                if (w < 2 || h < 2 || pick(8) == 0) continue;
                const Box box = {float(begin_x), float(begin_y), float(w), float(h)};
                found[i].push_back({class_id, random[at++ % random.size()], box});
                ++boxes;
            }
        }
        INFO("seed " << seed << ", " << areas.size() << " areas, " << boxes << " boxes");
        const std::vector<Detection> expected = test::JoinedTiles(options, areas, found).detections();
        const std::vector<Detection> actual = join(areas, found, options);
        REQUIRE(actual.size() == expected.size());
        joined_boxes += int(boxes - actual.size());
        for (std::size_t i = 0; i < actual.size(); ++i) {
            CHECK(actual[i].class_id == expected[i].class_id);
            CHECK(actual[i].confidence == expected[i].confidence);
            CHECK(equal(actual[i].box, expected[i].box));
        }
    }
    CHECK(joined_boxes > 500);
}

TEST_CASE("joining gives up when it is stopped", "[tiles]") {
    const std::atomic<bool> stop = true;
    CHECK_FALSE(join_tiles({}, kTwo, {{{0, .5f, {1, 1, 2, 2}}}, {}}, stop));
}
