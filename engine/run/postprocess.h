// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <convoy/detection.h>
#include <convoy/options.h>

namespace convoy {

/// What is left to do with a backend's detections: keep the wanted classes, drop boxes without a point inside the
/// picture, keep the most confident `max_boxes` (their order stays Darknet's), clip boxes to the picture as `valid`
/// does (print_cocos, detector.c; it lists boxes outside with sizes below 0).
void finish_detections(const DetectOptions& options, int width, int height, std::vector<Detection>& detections);

}  // namespace convoy
