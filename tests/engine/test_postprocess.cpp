// SPDX-License-Identifier: MIT
#include "engine/run/postprocess.h"

#include "tests/support/catch.h"

using namespace convoy;

namespace {
std::vector<Detection> three() {
    return {{2, .3f, {10, 10, 5, 5}}, {0, .9f, {-4, -6, 20, 20}}, {2, .5f, {90, 95, 30, 30}}};
}
// Of a frame that is one picture.
void finish(const DetectOptions& options, int width, int height, std::vector<Detection>& detections) {
    finish_picture(options, width, height, detections);
    finish_frame(options, width, height, detections);
}
}  // namespace

TEST_CASE("boxes are clipped to the picture and keep their order", "[postprocess]") {
    std::vector<Detection> d = three();
    finish({}, 100, 100, d);
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
        finish(one, 100, 100, d);
        REQUIRE(d.size() == 1);
        CHECK(d[0].box.x == 40);
    }
    std::vector<Detection> d = {
        {0, .5f, {-1e30f, -2, 2e30f, 1e30f}}, {0, .5f, {99.5f, -19.5f, 20, 20}}, {0, .5f, {50, 50, 0, 0}}};
    finish({}, 100, 100, d);
    REQUIRE(d.size() == 3);
    CHECK((d[0].box.x == 0 && d[0].box.y == 0 && d[0].box.w == 100 && d[0].box.h == 100));
    CHECK((d[1].box.w == .5f && d[1].box.h == .5f));
}

TEST_CASE("only the wanted classes stay", "[postprocess]") {
    DetectOptions options;
    options.classes = {2};
    std::vector<Detection> d = three();
    finish(options, 100, 100, d);
    REQUIRE(d.size() == 2);
    CHECK(d[0].confidence == .3f);
    CHECK(d[1].confidence == .5f);
}

TEST_CASE("the most confident boxes stay, in the order they had", "[postprocess]") {
    DetectOptions options;
    options.max_boxes = 2;
    std::vector<Detection> d = three();
    finish(options, 100, 100, d);
    REQUIRE(d.size() == 2);
    CHECK(d[0].confidence == .9f);
    CHECK(d[1].confidence == .5f);
}

TEST_CASE("a class's threshold is above the common one", "[postprocess]") {
    DetectOptions options;
    options.class_confidence = {.9f, 0, .4f};
    std::vector<Detection> d = three();
    finish(options, 100, 100, d);
    REQUIRE(d.size() == 1);  // one is .9 of class 0, which does not exceed it
    CHECK(d[0].confidence == .5f);
}

TEST_CASE("across classes the weaker box goes, unless what covers it is not reported", "[postprocess]") {
    // a covers b, b covers c, a does not cover c: c stays, though b, which goes, would have taken it along.
    const std::vector<Detection> chain = {
        {2, .5f, {60, 0, 100, 50}}, {0, .9f, {0, 0, 100, 50}}, {1, .7f, {30, 0, 100, 50}}};
    DetectOptions options;
    options.nms = .5f;
    std::vector<Detection> d = chain;
    finish(options, 200, 100, d);
    CHECK(d.size() == 3);
    options.nms_across_classes = true;
    d = chain;
    finish(options, 200, 100, d);
    REQUIRE(d.size() == 2);
    CHECK(d[0].class_id == 2);  // the order stays
    CHECK(d[1].class_id == 0);
    for (const bool by_class : {false, true}) {
        DetectOptions without = options;
        if (by_class)
            without.classes = {1, 2};
        else
            without.class_confidence = {.95f, 0, 0};
        d = chain;
        finish(without, 200, 100, d);
        REQUIRE(d.size() == 1);
        CHECK(d[0].class_id == 1);
    }
    options.nms = 1;
    d = {chain[0], chain[0]};
    finish(options, 200, 100, d);
    CHECK(d.size() == 2);
}

TEST_CASE("small boxes and those in ignored regions go, by what of them is in the picture", "[postprocess]") {
    DetectOptions options;
    options.min_size = 10;
    std::vector<Detection> d = three();
    finish(options, 100, 100, d);
    REQUIRE(d.size() == 1);  // {90, 95, 10, 5} of the picture is too low
    CHECK(d[0].confidence == .9f);
    options.min_size = 0;
    options.max_boxes = 1;  // counts what is left
    for (const IgnoredRegion& region : {IgnoredRegion{{0, 0, 8.5f, 8.f}}, {{0, 0, .085f, .08f}, true}}) {
        options.ignored = {region};
        d = three();
        finish(options, 100, 100, d);
        REQUIRE(d.size() == 1);
        CHECK(d[0].confidence == .5f);  // the centre of the strongest, {0, 0, 16, 14}, lies in it
    }
    options.ignored = {{{0, 0, 8, 100}}, {{8.5f, 0, 2, 100}}};
    d = three();
    finish(options, 100, 100, d);
    CHECK(d.at(0).confidence == .9f);  // at 8, which is no longer in the first
}
