// SPDX-License-Identifier: MIT
//
// Our detections beside Debian's darknet's.
#pragma once

#include <string>
#include <vector>

#include <convoy/engine.h>
#include <convoy/media/image.h>

namespace convoy::test {

inline constexpr float kValidThreshold = .005f;  // of `darknet detector valid`

/// How `darknet detector valid` works.
EngineOptions as_valid();

/// `image` as a frame, which must not outlive it.
Frame frame_of(const media::Image& image);

/// What pjreddie's darknet of 2018 makes of a newer cfg: keys that it does not know.
void forget_newer_keys(Network& network);

/// How far the boxes of one network may lie apart, source pixels.
float box_bound(const Network& network);

struct Tally {
    int compared = 0, borderline = 0;
    float worst_box = 0, worst_confidence = 0;
};

/// Adds to `tally`; returns the first difference that is none of rounding, or "". The second takes any order: what has
/// no objectness leaves gaps in a region's list, which darknet fills from its end, so that boxes of the same class
/// stand elsewhere.
std::string compare_in_order(const std::vector<Detection>& ours, const std::vector<Detection>& darknets, float bound,
                             Tally& tally);
std::string compare_unordered(const std::vector<Detection>& ours, const std::vector<Detection>& darknets, float bound,
                              Tally& tally);

}  // namespace convoy::test
