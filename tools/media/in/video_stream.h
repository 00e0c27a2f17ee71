// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <tuple>

#include "tools/media/av_handles.h"
#include "tools/media/pictures/orientation.h"

namespace convoy::media {

/// What is needed to decode the packets of a video stream, also when its container is closed already.
struct VideoStream {
    std::string path;  ///< of its input, for messages
    ParametersPtr parameters;
    AVRational time_base = {0, 1};
    Orientation orientation = 1;
    bool states_pixel_shape = false;  ///< the container: what pictures say themselves does not count

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

/// Whether a decoder of one stream may go on with the other: all that it was told at its making is the same.
inline bool same_kind(const VideoStream& a, const VideoStream& b) {
    const AVCodecParameters &p = *a.parameters, &q = *b.parameters;
    const auto all = [](const AVCodecParameters& c) {
        return std::tuple(c.codec_id, c.codec_tag, c.format, c.profile, c.level, c.width, c.height, c.field_order,
                          c.color_range, c.color_primaries, c.color_trc, c.color_space, c.chroma_location,
                          c.video_delay);
    };
    return all(p) == all(q) && a.orientation == b.orientation && av_cmp_q(a.time_base, b.time_base) == 0 &&
           std::ranges::equal(a.extradata(), b.extradata());
}

}  // namespace convoy::media
