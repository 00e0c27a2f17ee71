// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "tools/media/out/jpeg_encoders.h"
#include "tools/media/out/video_encoder.h"

namespace convoy::tools {

/// Opens the encoders of a video sink's parts, so that all of one video are of one kind. From any thread.
///
/// NVENC takes a few videos at a time, by the GPU. A part that waited for another to end could wait for ever: the
/// threads that work on parts go from one to the next, and all of them might come to wait. So nobody waits: `automatic`
/// takes NVENC only for what is all one part, a camera, and only as long as it has room; `nvenc` refuses more than
/// kNvencParts at once.
class VideoEncoders {
public:
    static constexpr int kNvencParts = 2;

    /// `jpegs` is for the choice of that name; null makes them as media::VideoEncoder does.
    explicit VideoEncoders(media::EncoderChoice choice, std::shared_ptr<media::JpegEncoders> jpegs = nullptr)
        : choice_(choice), jpegs_(std::move(jpegs)) {}

    /// An encoder, and what must live as long as it does.
    struct Opened {
        std::shared_ptr<const void> session;
        media::VideoEncoder encoder;
    };
    /// For a part of the video `path` of input `input`; `only_part` says that it will have no other. `format.encoder`
    /// is not used. Throws what VideoEncoder does.
    Opened open(int input, const std::string& path, media::VideoFormat format, bool only_part);

private:
    media::EncoderChoice kind_for(int input, const media::VideoFormat& format, bool only_part) const;

    const media::EncoderChoice choice_;
    const std::shared_ptr<media::JpegEncoders> jpegs_;
    std::mutex mutex_;
    std::map<int, media::EncoderChoice> kinds_;                       // of the inputs of which a part was opened
    std::set<std::pair<int, int>> nvenc_refuses_;                     // these sizes
    std::shared_ptr<const void> sessions_ = std::make_shared<int>();  // counts NVENC's by its users
};

}  // namespace convoy::tools
