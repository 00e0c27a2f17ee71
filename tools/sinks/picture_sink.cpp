// SPDX-License-Identifier: MIT
#include "tools/sinks/picture_sink.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

namespace convoy::tools {

PictureSink::PictureSink(std::vector<std::string> stems, bool skip_videos)
    : stems_(std::move(stems)), skip_videos_(skip_videos) {}

void PictureSink::write(const FrameOutput& frame) {
    std::string stem = stems_.at(frame.input_index);
    if (frame.input.is_video) {
        if (skip_videos_) return;
        stem += fmt::format("-{:06}", frame.result.frame.index);
        // A picture among the inputs may be called like a frame of a video.
        while (std::find(stems_.begin(), stems_.end(), stem) != stems_.end()) stem += "-2";
    }
    const std::string path = stem + ".jpg";
    media::write_image(path, frame.image);
    outputs_.insert(skip_videos_ ? path : std::filesystem::path(path).parent_path().string() + "/");
}

}  // namespace convoy::tools
