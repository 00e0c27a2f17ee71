// SPDX-License-Identifier: MIT
//
// What differs between FFmpeg 5.1 (Debian 12), 6.1 (Ubuntu 24.04) and 7.1 (Debian 13).
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

#include <algorithm>
#include <cstdint>

namespace convoy::media {

/// The stream's display matrix (libavutil/display.h), or null.
inline const std::int32_t* display_matrix(const AVStream* stream) {
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
    const AVCodecParameters* p = stream->codecpar;
    const AVPacketSideData* data =
        av_packet_side_data_get(p->coded_side_data, p->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    return data && data->size >= 36 ? reinterpret_cast<const std::int32_t*>(data->data) : nullptr;
#else
    std::size_t size = 0;
    const std::uint8_t* data = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
    return data && size >= 36 ? reinterpret_cast<const std::int32_t*>(data) : nullptr;
#endif
}

/// Whether this libav writes a display matrix into Matroska, as ProjectionPoseRoll.
constexpr bool kMatroskaKeepsRotation = LIBAVFORMAT_VERSION_MAJOR >= 61;

/// What a stream's parameters do not hold, to a stream that was given these.
inline void copy_side_data(const AVStream& from, AVStream& to) {
#if LIBAVFORMAT_VERSION_INT < AV_VERSION_INT(60, 15, 100)
    for (int i = 0; i < from.nb_side_data; ++i) {
        const AVPacketSideData& data = from.side_data[i];
        if (std::uint8_t* copy = av_stream_new_side_data(&to, data.type, data.size))
            std::copy_n(data.data, data.size, copy);
    }
#else
    (void)from, (void)to;
#endif
}

/// A container's own crop (MP4's `clap`, Matroska's PixelCrop*), which this libav may pass on and no decoder applies.
inline void forget_crop(AVCodecParameters& parameters) {
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(61, 7, 100)
    av_packet_side_data_remove(parameters.coded_side_data, &parameters.nb_coded_side_data, AV_PKT_DATA_FRAME_CROPPING);
#else
    (void)parameters;
#endif
}

/// Pictures that a GPU has decoded are handed out where the decoder has put them, not as copies: 5.1 always does so.
inline void allow_mapped_pictures(AVCodecContext& decoder) {
#ifdef AV_HWACCEL_FLAG_UNSAFE_OUTPUT
    decoder.hwaccel_flags |= AV_HWACCEL_FLAG_UNSAFE_OUTPUT;
#else
    (void)decoder;
#endif
}

/// Whether a picture is stored as tiles, which nothing here puts together.
inline bool is_tiled(const AVFormatContext& container) {
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(61, 7, 100)
    for (unsigned i = 0; i < container.nb_stream_groups; ++i)
        if (container.stream_groups[i]->type == AV_STREAM_GROUP_PARAMS_TILE_GRID) return true;
#else
    (void)container;
#endif
    return false;
}

inline bool is_keyframe(const AVFrame& picture) {
#ifdef AV_FRAME_FLAG_KEY
    return picture.flags & AV_FRAME_FLAG_KEY;
#else
    return picture.key_frame;
#endif
}

/// What an AVIOContext hands to its writer.
#if LIBAVFORMAT_VERSION_MAJOR >= 61
using AvioBytes = const std::uint8_t*;
#else
using AvioBytes = std::uint8_t*;
#endif

}  // namespace convoy::media
