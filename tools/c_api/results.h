// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include <convoy/convoy.h>
#include <convoy/detection.h>

struct convoy_result {
    std::vector<convoy_detection> detections;
    int width = 0, height = 0;
    std::int32_t stream = 0;
    std::int64_t index = 0;
    double time_s = 0, latency_ms = 0;
    std::int64_t not_finite = 0;
};

namespace convoy::c_api {

/// All of `from` but its pixels.
void assign(convoy_result& to, const Result& from);
/// The picture as the engine takes it; from here on its `release` is seen to, whatever is thrown. Throws Error(usage)
/// for what can be no picture.
Frame frame_of(const convoy_picture* picture);

}  // namespace convoy::c_api
