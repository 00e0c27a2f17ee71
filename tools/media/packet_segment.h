// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "engine/segment.h"
#include "tools/media/parameter_sets.h"
#include "tools/media/video_stream.h"

namespace convoy::media {

/// Packets of a video stream, in decoding order, and all that it takes to decode them alone.
class PacketSegment : public Segment {
public:
    std::size_t bytes() const override { return size; }

    VideoStreamPtr stream;
    std::shared_ptr<const DecoderHeaders> headers;  ///< that hold at the first packet, which brings the in-band ones
    bool headers_change = false;                    ///< at a later packet: other ones hold at the end
    std::vector<PacketPtr> packets;
    std::size_t size = 0;      ///< of the packets
    int reorder_depth = 0;     ///< H.264: the most packets that come before one which is shown before them
    bool has_corrupt = false;  ///< the container knows that parts of packets are missing
};

}  // namespace convoy::media
