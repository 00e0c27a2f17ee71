// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/yolo_decode.h"
#include "tests/support/random.h"

namespace convoy::test {

/// Random candidates for NMS, with as many ties and crowds as asked for.
struct Scene {
    int boxes, classes;
    float density;  // share of the classes that a box carries
    int levels;     // distinct probabilities; few of them make ties
    float extent;   // of the picture; small makes crowds
    std::uint64_t seed;
};

inline kernels::Candidates make_candidates(const Scene& s) {
    const auto r = random_floats(std::size_t(s.boxes) * 4, s.seed, 0, 1);
    const auto p = random_floats(std::size_t(s.boxes) * s.classes * 2, s.seed + 1, 0, 1);
    kernels::Candidates c;
    for (int i = 0; i < s.boxes; ++i) {
        const float* u = &r[std::size_t(i) * 4];
        c.boxes.push_back({u[0] * s.extent, u[1] * s.extent, 5 + 40 * u[2], 5 + 40 * u[3]});
        if (i % 7 == 6) c.boxes.back() = c.boxes[std::size_t(i) - 3];  // the same box again
        c.objectness.push_back(float(i));                              // tells which box it is
        for (int k = 0; k < s.classes; ++k) {
            const float* v = &p[(std::size_t(i) * s.classes + k) * 2];
            if (v[0] < s.density) c.probs.push_back({k, (std::floor(v[1] * float(s.levels)) + 1) / float(s.levels)});
        }
        c.first_prob.push_back(c.probs.size());
    }
    return c;
}

}  // namespace convoy::test
