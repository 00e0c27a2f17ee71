// SPDX-License-Identifier: MIT
//
// convoy-bench nms: suppression on the CPU, of few candidates and of as many as a threshold near 0 lets through.
#include <fmt/format.h>

#include <cmath>
#include <random>

#include "bench/commands.h"
#include "bench/harness.h"
#include "kernels/nms.h"

namespace convoy::bench {
namespace {

constexpr int kSide = 184, kAnchors = 3;  // of a grid with 8 pixels a cell

/// Boxes as a head on noise has them: some cells' three anchors, each around its cell.
kernels::Candidates on_grid(int count, int classes) {
    std::mt19937 random(1);
    const auto noise = [&] { return float(random() >> 8) * 0x1p-24f; };
    kernels::Candidates c;
    for (int i = 0; i < count; ++i) {
        const int cell = i / kAnchors * 7919 % (kSide * kSide), size = 1 + i % kAnchors;
        c.boxes.push_back({(float(cell % kSide) + noise()) * 8, (float(cell / kSide) + noise()) * 8,
                           std::exp(2 * noise() - 1) * 20 * float(size), std::exp(2 * noise() - 1) * 30 * float(size)});
        c.objectness.push_back(1);
        for (int k = 0; k < classes; ++k) c.probs.push_back({k, noise()});
        c.first_prob.push_back(c.probs.size());
    }
    return c;
}

}  // namespace

nlohmann::json bench_nms(const BenchOptions& options) {
    struct Case {
        int boxes, classes;
        float threshold;
    };
    nlohmann::json cases = nlohmann::json::array();
    for (const Case& c : {Case{50, 1, .45f}, Case{300, 1, .45f}, Case{300, 80, .45f}, Case{5000, 1, .45f},
                          Case{100000, 1, .45f}, Case{100000, 1, 1.f}, Case{100000, 80, .45f}}) {
        const kernels::Candidates candidates = on_grid(c.boxes, c.classes);
        std::vector<kernels::Survivor> out;
        const Samples samples = measure(c.boxes > 5000 ? 0 : options.warmup, c.boxes > 5000 ? 3 : options.passes, [&] {
            kernels::cpu::nms(candidates, c.classes, NmsKind::iou, .6f, c.threshold, out);
        });
        const std::string name = fmt::format("{} boxes of {} classes, over {}", c.boxes, c.classes, c.threshold);
        fmt::print("{:<38}{:>9} left  {}\n", name, out.size(), samples.text());
        cases.push_back(samples.json());
        cases.back().update({{"name", name}, {"left", out.size()}});
    }
    return {{"bench", "nms"}, {"cases", cases}};
}

}  // namespace convoy::bench
