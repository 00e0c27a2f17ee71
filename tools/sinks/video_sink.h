// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "tools/media/video_writer.h"
#include "tools/sinks/sink.h"

namespace convoy::tools {

/// One annotated H.264 video for each video input.
class VideoSink : public Sink {
public:
    /// `paths[i]` is the file for input i. A picture among the inputs is passed over when `skip_pictures`, else an
    /// Error(usage).
    VideoSink(std::vector<std::string> paths, bool skip_pictures);

    void write(const FrameOutput& frame) override;
    void end_input(std::size_t input_index) override;
    std::vector<std::string> outputs() const override { return finished_; }

private:
    std::vector<std::string> paths_;
    bool skip_pictures_;
    std::optional<media::VideoWriter> writer_;  // of the input that is being written
    int width_ = 0, height_ = 0;
    std::vector<std::string> finished_;
};

}  // namespace convoy::tools
