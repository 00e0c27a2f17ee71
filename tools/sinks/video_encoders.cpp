// SPDX-License-Identifier: MIT
#include "tools/sinks/video_encoders.h"

#include <fmt/core.h>

#include "tools/media/files.h"

namespace convoy::tools {

using media::EncoderChoice;

media::EncoderChoice VideoEncoders::kind_for(int input, const media::VideoFormat& format, bool only_part) const {
    if (const auto known = kinds_.find(input); known != kinds_.end()) return known->second;
    const bool fits = only_part && sessions_.use_count() <= kNvencParts;
    if (choice_ == EncoderChoice::automatic && (!fits || nvenc_refuses_.contains({format.width, format.height})))
        return EncoderChoice::x264;
    return choice_;
}

VideoEncoders::Opened VideoEncoders::open(int input, const std::string& path, media::VideoFormat format,
                                          bool only_part) {
    std::unique_lock lock(mutex_);
    format.encoder = kind_for(input, format, only_part);
    if (format.encoder == EncoderChoice::x264 || format.encoder == EncoderChoice::jpeg) {
        kinds_[input] = format.encoder;
        lock.unlock();  // opening takes milliseconds
        return {nullptr, media::VideoEncoder(path, format, jpegs_)};
    }
    if (sessions_.use_count() > kNvencParts)
        media::throw_output(path,
                            fmt::format("a GPU encodes {} pieces of video at a time, and this run wants more at once; "
                                        "take the encoder x264",
                                        kNvencParts),
                            ErrorKind::unsupported);
    media::VideoEncoder encoder(path, format);
    kinds_[input] = encoder.kind();
    if (encoder.kind() == EncoderChoice::nvenc) return {sessions_, std::move(encoder)};
    nvenc_refuses_.insert({format.width, format.height});
    return {nullptr, std::move(encoder)};
}

}  // namespace convoy::tools
