// SPDX-License-Identifier: MIT
#include "tools/sinks/video_sink.h"

#include <fmt/core.h>

#include "darknet_loader/error.h"

namespace convoy::tools {

VideoSink::VideoSink(std::vector<std::string> paths, bool skip_pictures)
    : paths_(std::move(paths)), skip_pictures_(skip_pictures) {}

void VideoSink::write(const FrameOutput& frame) {
    if (!frame.input.is_video) {
        if (skip_pictures_) return;
        throw Error(ErrorKind::usage,
                    fmt::format("{} is a picture: --video takes videos, use --pictures DIR", frame.input.path));
    }
    const std::string& path = paths_.at(frame.input_index);
    if (!writer_) {
        media::VideoFormat format;
        width_ = format.width = frame.image.width;
        height_ = format.height = frame.image.height;
        if (frame.input.fps_num > 0) {
            format.fps_num = frame.input.fps_num;
            format.fps_den = frame.input.fps_den;
        }
        writer_.emplace(path, format);
    }
    if (frame.image.width != width_ || frame.image.height != height_)
        throw Error(
            ErrorKind::unsupported,
            fmt::format(
                "{}: frame {} is {}x{} after frames of {}x{}, and a video has one size: use --pictures or --jsonl",
                frame.input.path, frame.result.frame.index, frame.image.width, frame.image.height, width_, height_));
    writer_->write(frame.image, frame.result.frame.time_s);
}

void VideoSink::end_input(std::size_t input_index) {
    if (!writer_) return;
    writer_->close();
    writer_.reset();
    finished_.push_back(paths_.at(input_index));
}

}  // namespace convoy::tools
