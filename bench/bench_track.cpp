// SPDX-License-Identifier: MIT
//
// convoy-bench track: what a frame costs the tracker, from a street to a crowd in which all boxes overlap.
#include <fmt/format.h>

#include <random>

#include "bench/commands.h"
#include "bench/harness.h"
#include "tools/analysis/tracker.h"

namespace convoy::bench {
namespace {

constexpr int kFrames = 100;

/// Frames of boxes that go their ways through a picture of `side` pixels, one of eight missed and one of four unsure.
std::vector<std::vector<Detection>> on_their_ways(int count, int classes, float side) {
    std::mt19937 random(1);
    const auto noise = [&] { return float(random() >> 8) * 0x1p-24f; };
    struct Way {
        float x, y, vx, vy, h;
        int class_id;
    };
    std::vector<Way> ways;
    for (int i = 0; i < count; ++i)
        ways.push_back(
            {noise() * side, noise() * side, noise() * 6 - 3, noise() - .5f, 40 + noise() * 100, i % classes});
    std::vector<std::vector<Detection>> frames(kFrames);
    for (std::vector<Detection>& frame : frames)
        for (Way& way : ways) {
            way.x += way.vx, way.y += way.vy;
            if (random() % 8 == 0) continue;
            const float confidence = random() % 4 == 0 ? .3f : .8f;
            frame.push_back({way.class_id, confidence, {way.x + noise(), way.y + noise(), way.h / 2, way.h}, 0});
        }
    return frames;
}

}  // namespace

nlohmann::json bench_track(const BenchOptions& options) {
    struct Case {
        int boxes, classes;
        float side;  // pixels
    };
    nlohmann::json cases = nlohmann::json::array();
    for (const Case& c : {Case{5, 1, 1280}, Case{20, 1, 1280}, Case{20, 4, 1280}, Case{100, 1, 1920},
                          Case{1000, 1, 3840}, Case{1000, 80, 3840}, Case{1000, 1, 600}}) {
        std::vector<std::vector<Detection>> frames = on_their_ways(c.boxes, c.classes, c.side);
        const Samples samples =
            measure(c.boxes >= 1000 ? 0 : options.warmup, c.boxes >= 1000 ? 3 : options.passes, [&] {
                analysis::Tracker tracker;
                for (int i = 0; i < kFrames; ++i) tracker.update(frames[std::size_t(i)], i, 0);
            });
        const double us = samples.median() * 1000 / kFrames;
        const std::string name = fmt::format("{} boxes of {} classes in {} pixels", c.boxes, c.classes, c.side);
        fmt::print("{:<42}{:>11.1f} us a frame   {}\n", name, us, samples.text());
        cases.push_back(samples.json());
        cases.back().update({{"name", name}, {"us_per_frame", us}});
    }
    return {{"bench", "track"}, {"cases", cases}};
}

}  // namespace convoy::bench
