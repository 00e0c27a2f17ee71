// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <convoy/frame.h>

namespace convoy {

/// Source pixels; x and y are the top left corner.
struct Box {
    float x = 0, y = 0, w = 0, h = 0;
};

struct Detection {
    int class_id = 0;      ///< index into Network::names
    float confidence = 0;  ///< objectness · class probability
    Box box;               ///< clipped to the picture, as Darknet's `valid` does
};

/// What the engine says about one frame.
struct Result {
    Frame frame;                        ///< as it was submitted, pixels included
    std::vector<Detection> detections;  ///< in Darknet's order; empty when nothing was found
    /// Milliseconds from submit() until the detections were on the host, waiting for its batch included.
    double latency_ms = 0;
};

}  // namespace convoy
