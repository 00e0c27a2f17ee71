// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <convoy/segment.h>
#include "tools/sinks/input_names.h"

namespace convoy::tools {

/// What inputs' pictures are called where each has a name of its own in a run.
class FrameNames {
public:
    FrameNames() = default;
    /// One stem per input, all different.
    explicit FrameNames(InputNames stems) : stems_(std::move(stems)) {}

    /// STEM for a picture, STEM-000123 for frame 123 of a video.
    std::string of(int input_index, bool is_video, std::int64_t frame) const;
    /// As a file of pictures: a picture's own path, STEM-000123.jpg for a frame, whoever saves it.
    std::string image(const InputInfo& input, int input_index, std::int64_t frame) const {
        return input.is_video ? of(input_index, true, frame) + ".jpg" : input.path;
    }

private:
    InputNames stems_;
};

}  // namespace convoy::tools
