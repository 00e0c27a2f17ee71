// SPDX-License-Identifier: MIT
#include "kernels/nms.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/kernels/nms_scene.h"
#include "tests/support/catch.h"
#include "tests/support/random.h"

using namespace convoy;
using kernels::Candidates;
using kernels::Survivor;
using Box = Candidates::Box;

namespace {

float overlap_1d(float x1, float w1, float x2, float w2) {
    const float l1 = x1 - w1 / 2, l2 = x2 - w2 / 2, left = l1 > l2 ? l1 : l2;
    const float r1 = x1 + w1 / 2, r2 = x2 + w2 / 2, right = r1 < r2 ? r1 : r2;
    return right - left;
}

float iou(const Box& a, const Box& b) {
    const float w = overlap_1d(a.x, a.w, b.x, b.w), h = overlap_1d(a.y, a.h, b.y, b.h);
    const float both = w < 0 || h < 0 ? 0 : w * h;
    const float either = a.w * a.h + b.w * b.h - both;
    if (both == 0 || either == 0) return 0;
    return both / either;
}

float diou(const Box& a, const Box& b, float beta) {
    const float w = std::fmax(a.x + a.w / 2, b.x + b.w / 2) - std::fmin(a.x - a.w / 2, b.x - b.w / 2);
    const float h = std::fmax(a.y + a.h / 2, b.y + b.h / 2) - std::fmin(a.y - a.h / 2, b.y - b.h / 2);
    const float diagonal = w * w + h * h;
    if (diagonal == 0) return iou(a, b);
    const float distance = (a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y);
    const float term = float(std::pow(double(distance / diagonal), double(beta)));
    return iou(a, b) - term;
}

/// do_nms_sort word for word, on a full matrix of probabilities; qsort is stable in Darknet's C library.
std::vector<Survivor> literal(const Candidates& c, int classes, NmsKind kind, float beta, float threshold) {
    struct Detection {
        std::size_t index;
        std::vector<float> prob;
    };
    std::vector<Detection> all;
    for (std::size_t i = 0; i < c.boxes.size(); ++i) {
        all.push_back({i, std::vector<float>(classes)});
        for (std::size_t at = c.first_prob[i]; at < c.first_prob[i + 1]; ++at)
            all.back().prob[c.probs[at].class_id] = c.probs[at].prob;
    }
    for (int k = 0; k < classes; ++k) {
        std::stable_sort(all.begin(), all.end(),
                         [k](const Detection& a, const Detection& b) { return a.prob[k] > b.prob[k]; });
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (all[i].prob[k] == 0) continue;
            const Box& a = c.boxes[all[i].index];
            for (std::size_t j = i + 1; j < all.size(); ++j) {
                const Box& b = c.boxes[all[j].index];
                if ((kind == NmsKind::iou ? iou(a, b) : diou(a, b, beta)) > threshold) all[j].prob[k] = 0;
            }
        }
    }
    std::vector<Survivor> out;
    for (const Detection& d : all)
        for (int k = 0; k < classes; ++k)
            if (d.prob[k] > 0) out.push_back({d.index, k, d.prob[k]});
    return out;
}

std::size_t check(const Candidates& c, int classes, NmsKind kind, float threshold) {
    const std::vector<Survivor> expected = literal(c, classes, kind, .6f, threshold);
    std::vector<Survivor> actual = {{99, 99, 99}};
    kernels::cpu::nms(c, classes, kind, .6f, threshold, actual);
    REQUIRE(actual.size() == expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i) {
        INFO("place " << i << ": box " << actual[i].candidate << " class " << actual[i].class_id << ", expected box "
                      << expected[i].candidate << " class " << expected[i].class_id);
        REQUIRE(actual[i].candidate == expected[i].candidate);
        REQUIRE(actual[i].class_id == expected[i].class_id);
        REQUIRE(actual[i].prob == expected[i].prob);
    }
    return actual.size();
}

}  // namespace

TEST_CASE("nms: what Darknet keeps, in the order in which it lists it") {
    const test::Scene scenes[] = {
        {1, 1, 1.f, 100, 100, 1},         {2, 1, 1.f, 1, 10, 2},        {60, 1, .9f, 1000, 100, 3},
        {60, 80, .03f, 1000, 100, 4},     {200, 80, .5f, 1000, 300, 5}, {200, 80, 1.f, 3, 100, 6},
        {300, 5, .3f, 4, 120, 7},         {300, 20, .05f, 2, 60, 8},    {150, 3, 1.f, 1, 80, 9},
        {400, 10, .1f, 1 << 20, 200, 10}, {500, 2, 0.f, 10, 100, 11},
    };
    std::size_t kept = 0, carried = 0;
    for (const test::Scene& s : scenes)
        for (NmsKind kind : {NmsKind::iou, NmsKind::diou})
            for (float threshold : {.2f, .45f, .6f}) {
                INFO(s.boxes << " boxes, " << s.classes << " classes, seed " << s.seed << ", kind " << int(kind)
                             << ", threshold " << threshold);
                const Candidates c = test::make_candidates(s);
                kept += check(c, s.classes, kind, threshold);
                carried += c.probs.size();
            }
    CHECK(kept > 1000);
    CHECK(carried > kept + 10000);  // much was suppressed
}

TEST_CASE("nms: no candidates, and candidates without a class") {
    Candidates none;
    CHECK(check(none, 80, NmsKind::iou, .45f) == 0);
    CHECK(check(test::make_candidates({20, 4, 0.f, 1, 50, 1}), 4, NmsKind::iou, .45f) == 0);
}

TEST_CASE("nms: suppression is strict, by the stronger box, and does not reach through a suppressed one") {
    Candidates c;
    // IoU 1/3 with the next, 0 with the one after: with threshold 1/3 all stay, below it the middle one goes.
    c.boxes = {{10, 10, 20, 10}, {20, 10, 20, 10}, {30, 10, 20, 10}};
    c.objectness = {1, 1, 1};
    c.probs = {{0, .9f}, {0, .8f}, {0, .7f}};
    c.first_prob = {0, 1, 2, 3};
    CHECK(check(c, 1, NmsKind::iou, 100.f / 300.f) == 3);
    CHECK(check(c, 1, NmsKind::iou, .33f) == 2);
}

TEST_CASE("nms: boxes that are NaN, infinite, empty or inside out") {
    const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    const float strange[] = {nan, inf, -inf, 0.f, -20.f};
    Candidates c = test::make_candidates({120, 6, .5f, 5, 60, 1});
    const auto r = test::random_floats(480, 3, 0, 15);
    for (std::size_t i = 0; i < 480; ++i) {
        float* fields[] = {&c.boxes[i / 4].x, &c.boxes[i / 4].y, &c.boxes[i / 4].w, &c.boxes[i / 4].h};
        if (r[i] < 5) *fields[i % 4] = strange[int(r[i])];
    }
    check(c, 6, NmsKind::iou, .45f);
    check(c, 6, NmsKind::diou, .45f);
}
