// SPDX-License-Identifier: MIT
//
// Where in a stream decoding may begin.
#pragma once

#include <memory>

#include "tools/media/av_handles.h"
#include "tools/media/in/frame_numbers.h"
#include "tools/media/in/parameter_sets.h"
#include "tools/media/in/video_stream.h"

namespace convoy::media {

enum class Entry {
    none,
    in_order,  ///< decoding can begin here, if none of the packets up to the next key packet is shown before this one
    led,     ///< so too, but for the leading pictures right behind it: they are shown before, and may need earlier ones
    always,  ///< decoding can begin here: the codec's own rules say that nothing before is needed, or shown later
};

/// Tells a codec's entry points from the packets' bytes, and follows the headers that hold at each of them.
/// H.264: IDR pictures. HEVC: IDR pictures; BLA pictures in order; CRA pictures, led. VP8, VP9, AV1: shown key frames.
/// Codecs that have only intra frames: each of them. Others have none, however their packets are marked: MPEG-4's and
/// MPEG-2's decoders keep more between pictures than a keyframe resets.
class EntryPoints {
public:
    explicit EntryPoints(const VideoStream& stream);

    struct Look {
        Entry entry = Entry::none;
        bool leads = false;           ///< is shown before the keyframe that it follows (HEVC's RASL and RADL pictures)
        bool leans_back = false;      ///< and needs a picture from before that keyframe (RASL)
        bool frames_missing = false;  ///< H.264: the frame numbers tell that frames before this one are lost
    };
    /// All packets, one after the other.
    Look look(const AVPacket& packet);
    /// What a decoder needs to know to begin with the packet that was looked at last.
    std::shared_ptr<const DecoderHeaders> headers() { return sets_.headers(); }
    /// Whether there can be entry points at all.
    bool any() const { return kind_ != Kind::never; }

private:
    enum class Kind { never, h264, hevc, vp8, vp9, av1, jpeg, intra };

    static Kind kind_of(AVCodecID codec);
    void see_sets();
    Look look_at_units(ByteSpan bytes);
    Look look_at_hevc_picture(ByteSpan unit, int type) const;
    Entry look_at_jpeg(ByteSpan bytes);

    Kind kind_;
    ParameterSets sets_;
    FrameNumbers frame_numbers_;
    bool sequence_ended_ = false;  // HEVC: by the packet before
    bool jpeg_tables_seen_ = false;
};

}  // namespace convoy::media
