// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <convoy/segment.h>
#include "tools/media/in/frame_window.h"
#include "tools/media/in/parameter_sets.h"
#include "tools/media/in/video_stream.h"

namespace convoy::media {

/// Packets of a video stream, in decoding order, and all that it takes to decode them alone.
class PacketSegment : public Segment {
public:
    std::size_t bytes() const override { return size; }
    std::int64_t frames() const override { return std::int64_t(packets.size()) / window.every; }

    VideoStreamPtr stream;
    std::shared_ptr<const DecoderHeaders> headers;  ///< that hold at the first packet, which brings the in-band ones
    bool headers_change = false;                    ///< at a later packet: other ones hold at the end
    /// Those at the end may be the next segment's first as well: a keyframe, and the pictures that lead it, which are
    /// shown before it and may need this segment's.
    std::vector<PacketPtr> packets;
    std::vector<std::int64_t> left_out;  ///< time stamps of pictures that another segment shows, each once
    std::size_t led_by = 0;   ///< so many packets behind the first lead it, and the segment before shows them
    std::size_t leading = 0;  ///< so many packets at the end lead the next segment's first, which comes before them
    std::size_t size = 0;     ///< of the packets
    int reorder_depth = 0;    ///< H.264: the most packets that come before one which is shown before them
    bool inside_gop = false;  ///< it begins at no keyframe: DecoderOptions::inside_gop
    FrameWindow window;
    std::int64_t first_held = 0;  ///< how many frames the window holds before it
    std::string flaw;             ///< why libav's software must decode it: its way to patch things up is what counts
};

/// Whether the picture of this time is one that another segment shows: it is struck off the list then.
inline bool strike_off(std::vector<std::int64_t>& left_out, std::int64_t pts) {
    const auto found = std::find(left_out.begin(), left_out.end(), pts);
    if (found == left_out.end()) return false;
    left_out.erase(found);
    return true;
}

}  // namespace convoy::media
