// SPDX-License-Identifier: MIT
//
// Our heads beside those of OpenCV's dnn, an independent reader and runtime of Darknet files.
#pragma once

#include <string>
#include <vector>

#include <convoy/network.h>

namespace convoy::test {

struct HeadDifference {
    int layer = 0, row = 0;
    double worst = 0;  ///< of x, y and objectness; of w and h as shares of 1 + w, 1 + h; all in fractions of the
                       ///< picture; with new_coords without objectness
};

/// One for each [yolo] layer of `network`, which has weights. Its files are written to `folder` for OpenCV to read.
/// Throws std::runtime_error where OpenCV has other heads, and cv::Exception where it cannot read the network.
std::vector<HeadDifference> compare_with_opencv(const Network& network, const std::string& folder);

}  // namespace convoy::test
