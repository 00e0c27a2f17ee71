// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include <convoy/engine.h>
#include <convoy/load.h>
#include "tests/kernels/picture.h"
#include "tests/support/data.h"

namespace convoy::test {

inline Network demo(int size = 160) {
    const std::string stem = source_dir() + "/models/yolov3-quarter";
    return load_network(stem + ".cfg", stem + ".weights", "", {size, size});
}

inline EngineOptions on(const std::string& device, Precision precision, float confidence = .02f) {
    EngineOptions o;
    o.device = device;
    o.precision = precision;
    o.detect.confidence = confidence;
    o.max_batch = 4;
    o.threads = 2;
    o.tuning = Tuning::fixed;
    return o;
}

/// Smooth shapes: noise alone is nothing to a trained network.
class Scene {
public:
    Scene(PixelFormat format, int width, int height, int seed)
        : picture_(format, width, height, 16, std::uint64_t(seed)) {
        for (int plane : {0, 1}) {
            auto& bytes = picture_.bytes(plane);
            const int pitch = picture_.view().pitch[plane];
            for (std::size_t i = 0; i < bytes.size(); ++i) {
                const double y = double(i / unsigned(pitch)), x = double(i % unsigned(pitch));
                bytes[i] = std::uint8_t(128 + 90 * std::sin(x * .02 * seed) * std::cos(y * .05) + bytes[i] % 32);
            }
        }
    }
    Frame frame(int index = 0) {
        Frame f;
        f.pixels = picture_.view();
        f.index = index;
        return f;
    }

private:
    RandomPicture picture_;
};

inline bool same(const std::vector<Detection>& a, const std::vector<Detection>& b, float pixels, float confidence) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (a[i].class_id != b[i].class_id || !(std::fabs(a[i].confidence - b[i].confidence) <= confidence) ||
            !(std::fabs(a[i].box.x - b[i].box.x) <= pixels) || !(std::fabs(a[i].box.y - b[i].box.y) <= pixels) ||
            !(std::fabs(a[i].box.w - b[i].box.w) <= pixels) || !(std::fabs(a[i].box.h - b[i].box.h) <= pixels))
            return false;
    return true;
}

inline std::vector<Scene> scenes() {
    std::vector<Scene> all;
    for (int i = 0; i < 5; ++i)
        all.emplace_back(i % 2 ? PixelFormat::nv12 : PixelFormat::rgb8, 320 + 34 * i, 241 + 20 * i, i + 1);
    return all;
}

}  // namespace convoy::test
