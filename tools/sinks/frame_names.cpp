// SPDX-License-Identifier: MIT
#include "tools/sinks/frame_names.h"

#include <fmt/core.h>

namespace convoy::tools {

std::string FrameNames::of(int input_index, bool is_video, std::int64_t frame) const {
    std::string name = stems_.at(std::size_t(input_index));
    if (!is_video) return name;
    name += fmt::format("-{:06}", frame);
    // A picture among the inputs may be called like a frame of a video.
    while (stems_.contains(name)) name += "-2";
    return name;
}

}  // namespace convoy::tools
