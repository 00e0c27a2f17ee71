// SPDX-License-Identifier: MIT
#include "kernels/nms.h"

#include <algorithm>
#include <atomic>
#include <chrono>
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

TEST_CASE("nms: boxes that are empty, inside out or as large as floats can be") {
    const float strange[] = {0.f, -20.f, 1e-30f, 1e20f, std::numeric_limits<float>::max()};
    Candidates c = test::make_candidates({120, 6, .5f, 5, 60, 1});
    const auto r = test::random_floats(480, 3, 0, 15);
    for (std::size_t i = 0; i < 480; ++i) {
        float* fields[] = {&c.boxes[i / 4].x, &c.boxes[i / 4].y, &c.boxes[i / 4].w, &c.boxes[i / 4].h};
        if (r[i] < 5) *fields[i % 4] = strange[int(r[i])];
    }
    check(c, 6, NmsKind::iou, .45f);
    check(c, 6, NmsKind::diou, .45f);
}

namespace {

/// Boxes of every kind that a search among them might get wrong; a class each, and seldom more.
Candidates make_many(int kind, int count, int classes, int levels, std::uint64_t seed) {
    const auto r = test::random_floats(std::size_t(count) * 7, seed, 0, 1);
    const auto power = [](float u, float most) { return std::exp(2 * most * u - most); };
    Candidates c;
    for (int i = 0; i < count; ++i) {
        const float* u = &r[std::size_t(i) * 7];
        const Box all[] = {{u[0] * 1500, u[1] * 1500, 5 + 100 * u[2], 5 + 100 * u[3]},            // all over a picture
                           {700 + 20 * u[0], 700 + 20 * u[1], 100 + 50 * u[2], 100 + 50 * u[3]},  // a crowd
                           {u[0] * 1500, u[1] * 1500, power(u[2], 6), power(u[3], 6)},            // of any size
                           {u[0] * 100, u[1] * 100, power(u[2], 60), power(u[3], 60)},      // to where areas overflow
                           {8 * std::floor(u[0] * 40), 8 * std::floor(u[1] * 40), 16, 32},  // many the same
                           {500 + 1e-4f * u[0], 500 + 1e-4f * u[1], 100, 100},              // a bit apart, or none
                           {2000 * u[0], 2000 * u[1], 1e-3f * u[2], 1e-3f * u[3]}};         // of a few bits' size
        c.boxes.push_back(all[kind]);
        if (u[4] < .03f) c.boxes.back().w = u[4] < .01f ? 0 : u[4] < .02f ? -5 : 1e20f;
        c.objectness.push_back(1);
        for (int k = 0; k < classes; ++k)
            if (k == int(u[5] * float(classes)) || k == int(u[6] * 20))
                c.probs.push_back({k, (std::floor(u[6] * float(levels)) + 1) / float(levels)});
        c.first_prob.push_back(c.probs.size());
    }
    return c;
}

}  // namespace

TEST_CASE("nms: of many boxes, in every arrangement, what the plain loop keeps") {
    std::size_t kept = 0, carried = 0;
    std::uint64_t seed = 1;
    for (int kind = 0; kind < 7; ++kind)
        for (int count : {31, 33, 700, 1501})
            for (float threshold : {0.f, .01f, .3f, .45f, .9f, .9999f, 1.f})
                for (NmsKind nms_kind : {NmsKind::iou, NmsKind::diou}) {
                    const int levels = ++seed % 3 ? 1 << 20 : 2, classes = seed % 4 ? 1 : 3;
                    INFO("kind " << kind << ", " << count << " boxes, threshold " << threshold << ", seed " << seed);
                    const Candidates c = make_many(kind, count, classes, levels, seed);
                    kept += check(c, classes, nms_kind, threshold);
                    carried += c.probs.size();
                }
    CHECK(kept > 50000);
    CHECK(carried > kept + 50000);
}

TEST_CASE("nms: 130,000 boxes take no minutes, and end when they are to stop") {
    const Candidates many = make_many(1, 130000, 1, 1 << 20, 1), few = make_many(1, 1000, 1, 1 << 20, 1);
    std::atomic<bool> stop{false};
    std::vector<Survivor> out;
    const auto seconds = [](auto&& work) {
        const auto start = std::chrono::steady_clock::now();
        work();
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    CHECK(seconds([&] { CHECK(kernels::cpu::nms(many, 1, NmsKind::iou, .6f, 1.f, out, &stop)); }) < 30);
    CHECK(out.size() == 130000);
    stop = true;
    CHECK(seconds([&] { CHECK_FALSE(kernels::cpu::nms(many, 1, NmsKind::iou, .6f, 1.f, out, &stop)); }) < 2);
    CHECK(out.size() == 130000);
    CHECK(kernels::cpu::nms(few, 1, NmsKind::iou, .6f, 1.f, out, &stop));  // done before anybody minds
    CHECK(out.size() == 1000);
}
