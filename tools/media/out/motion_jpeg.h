// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

#include "tools/media/out/jpeg_encoders.h"
#include "tools/media/out/video_encoder.h"

namespace convoy::media {

/// A video's pictures as JPEGs: each is a keyframe and is ready at once. Sizes may be odd.
class MotionJpeg {
public:
    /// Throws Error(usage) for an impossible quality.
    MotionJpeg(std::string path, const VideoFormat& format, std::shared_ptr<JpegEncoders> encoders);

    /// NV12 or RGB8 of the format's size, in host memory. Throws what JpegEncoders::encode() does.
    EncodedFrames write(const PixelView& picture);
    const std::shared_ptr<const EncodedStream>& stream() const { return stream_; }

private:
    std::string path_;
    int quality_;
    std::shared_ptr<JpegEncoders> encoders_;
    std::shared_ptr<const EncodedStream> stream_;
    std::int64_t frames_ = 0;
};

}  // namespace convoy::media
