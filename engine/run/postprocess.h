// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <convoy/detection.h>
#include <convoy/options.h>

namespace convoy {

/// What is left to do with a backend's detections of one picture, a frame or a tile of it: keep the wanted classes, and
/// what is over its class's threshold; NMS, where that is to look at all classes at once; drop boxes without a point
/// inside the picture, clip the others to it as `valid` does (print_cocos, detector.c; it lists boxes outside with
/// sizes below 0). The order stays Darknet's.
void finish_picture(const DetectOptions& options, int width, int height, std::vector<Detection>& detections);

/// What follows once for a frame, after its tiles are joined: drop boxes that are too small or ignored; keep the most
/// confident `max_boxes`. The order stays.
void finish_frame(const DetectOptions& options, int width, int height, std::vector<Detection>& detections);

}  // namespace convoy
