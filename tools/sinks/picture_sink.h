// SPDX-License-Identifier: MIT
#pragma once

#include <set>

#include "tools/sinks/sink.h"

namespace convoy::tools {

/// An annotated picture for each picture input and, unless it skips videos, for each frame of a video.
class PictureSink : public Sink {
public:
    /// `stems[i]` is the path for input i without its ending: STEM.jpg for a picture, STEM-000123.jpg for a frame.
    PictureSink(std::vector<std::string> stems, bool skip_videos);

    void write(const FrameOutput& frame) override;
    std::vector<std::string> outputs() const override { return {outputs_.begin(), outputs_.end()}; }

private:
    std::vector<std::string> stems_;
    bool skip_videos_;
    std::set<std::string> outputs_;  // every picture of a picture, the folder of frames
};

}  // namespace convoy::tools
