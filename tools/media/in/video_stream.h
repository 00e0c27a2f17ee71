// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "tools/media/av_handles.h"
#include "tools/media/pictures/orientation.h"

namespace convoy::media {

/// What is needed to decode the packets of a video stream, also when its container is closed already.
struct VideoStream {
    std::string path;  ///< of its input, for messages
    ParametersPtr parameters;
    AVRational time_base = {0, 1};
    Orientation orientation = 1;

    AVCodecID codec() const { return parameters->codec_id; }
    /// What the container states in front of the packets.
    std::span<const std::uint8_t> extradata() const {
        return {parameters->extradata, std::size_t(std::max(parameters->extradata_size, 0))};
    }
    /// A time stamp in seconds, NaN for none.
    double seconds(std::int64_t stamp) const {
        return stamp == AV_NOPTS_VALUE ? std::nan("") : double(stamp) * av_q2d(time_base);
    }
};

using VideoStreamPtr = std::shared_ptr<const VideoStream>;

}  // namespace convoy::media
