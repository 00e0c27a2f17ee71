// SPDX-License-Identifier: MIT
#include <convoy/media/video_writer.h>

#include <span>

#include "tools/media/out/video_encoder.h"
#include "tools/media/out/video_muxer.h"

namespace convoy::media {

struct VideoWriter::Impl {
    Impl(const std::string& path, const VideoFormat& format) : muxer(path), encoder(path, format) {}

    VideoMuxer muxer;
    VideoEncoder encoder;
};

VideoWriter::VideoWriter(const std::string& path, const VideoFormat& format)
    : impl_(std::make_unique<Impl>(path, format)) {}
VideoWriter::~VideoWriter() = default;
VideoWriter::VideoWriter(VideoWriter&&) noexcept = default;
VideoWriter& VideoWriter::operator=(VideoWriter&&) noexcept = default;

void VideoWriter::write(const Image& image, double time_s) {
    impl_->muxer.require_open();
    impl_->muxer.append(impl_->encoder.write(image), std::span(&time_s, 1));
}

void VideoWriter::close() {
    if (impl_->muxer.frames() > 0 && !impl_->muxer.closed()) impl_->muxer.append(impl_->encoder.end(), {});
    impl_->muxer.close();
}

}  // namespace convoy::media
