// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <convoy/frame.h>

namespace convoy {

/// Source pixels; x and y are the top left corner.
struct Box {
    float x = 0, y = 0, w = 0, h = 0;
};

struct Detection {
    int class_id = 0;        ///< index into Network::names
    float confidence = 0;    ///< objectness · class probability
    Box box;                 ///< clipped to the picture, as Darknet's `valid` does
    std::int64_t track = 0;  ///< which thing of its input this is a sight of, from 1 on; 0: not followed
};

/// What the engine says about one frame.
struct Result {
    Frame frame;  ///< as it was submitted, pixels included
    /// In Darknet's order, those of tiles from the most confident on; empty when nothing was found.
    std::vector<Detection> detections;
    /// Boxes that were left out since their confidence, place or size is NaN or infinite: weights that are damaged or
    /// of another model, or activations too large for fp16. 0 where all is well.
    std::int64_t not_finite = 0;
    /// Of one such result of a run (or of an engine that is given frames one by one), for each device: the first layer
    /// whose output has a NaN or an infinite number, "layer 3 (convolutional)". Empty in all others.
    std::string first_not_finite;
    /// What RunObserver::in_order() has attached; only handed through.
    std::shared_ptr<const void> note = {};
    /// Milliseconds from submit() until the detections were on the host, waiting for its batch included.
    double latency_ms = 0;
};

}  // namespace convoy
