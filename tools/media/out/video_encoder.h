// SPDX-License-Identifier: MIT
//
// Pictures in, H.264, HEVC or Motion JPEG out: in pieces that a VideoMuxer puts into one video, each made by an encoder
// of its own.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include <convoy/media/image.h>
#include <convoy/media/video_format.h>
#include "tools/media/av_handles.h"

namespace convoy::media {

class JpegEncoders;

/// What all frames of one encoder have in common.
struct EncodedStream {
    std::string encoder;  ///< its name to libav, "libx264"
    AVRational rate;      ///< nominal, frames a second
    int delay = 0;        ///< how many frames later than shown one may have to be decoded
    ParametersPtr parameters;
};

/// Frames of one encoder in the order of decoding; the first of all is a keyframe, and none needs a frame of another
/// encoder. A packet's pts is its frame's number, counted from 0 in the order of showing.
struct EncodedFrames {
    std::shared_ptr<const EncodedStream> stream;
    std::deque<PacketPtr> packets;

    /// Puts `more`, which follows these, behind them.
    void append(EncodedFrames more);
};

/// Makes H.264 or HEVC of pictures, or JPEGs, on one thread at a time. Encoders of one format that is fully named
/// (EncoderChoice::automatic does not) make streams that can follow each other in a file, whatever their threads.
class VideoEncoder {
public:
    /// `path` is that of the file that the frames are for: what is thrown names it. Throws Error(usage) for an
    /// impossible format or a container that does not hold it, Error(unsupported) when no encoder takes it. JPEGs are
    /// made by `jpegs`, which several may share; without, by encoders of its own.
    VideoEncoder(const std::string& path, const VideoFormat& format, std::shared_ptr<JpegEncoders> jpegs = nullptr);
    ~VideoEncoder();
    VideoEncoder(VideoEncoder&&) noexcept;
    VideoEncoder& operator=(VideoEncoder&&) noexcept;

    /// Takes the next picture, returns the frames that have become ready: earlier ones, mostly. Throws Error(usage) for
    /// a picture of another size or after end(), Error(output) when the encoder fails.
    EncodedFrames write(const Image& image);
    /// The same, without a conversion, for one that it takes().
    EncodedFrames write(Nv12Image& image);
    /// Whether the picture has the size and the colours of the video as it is.
    bool takes(const Nv12Image& image) const;
    /// Takes the end, returns the frames that are left.
    EncodedFrames end();

    const EncodedStream& stream() const;
    /// Which encoder it is: never `automatic`.
    EncoderChoice kind() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace convoy::media
