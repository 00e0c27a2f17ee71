// SPDX-License-Identifier: MIT
//
// What cannot be cut is decoded in sequence, and its frames are handed out in parts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <convoy/segment.h>
#include "tools/media/in/decoder.h"
#include "tools/media/in/frame_maker.h"
#include "tools/media/in/segmenter.h"

namespace convoy::media {

/// Decoded frames in host memory.
class FramePart : public Segment {
public:
    SegmentKind kind() const override { return first ? SegmentKind::first_part : SegmentKind::next_part; }
    std::size_t bytes() const override { return size; }

    std::vector<Frame> frames;
    SegmentNotes notes;  ///< of their decoding
    std::size_t size = 0;
    bool first = false;  ///< of those that HandOut gave; whoever hands them on says so
};

/// Decodes the runs of a segmenter from one that is not closed to the one that ends, with libav's frame threads.
class HandOut {
public:
    /// `threads`: 0 lets libav choose. The segmenter must outlive this.
    HandOut(Segmenter& segmenter, PacketRun begin, int threads, bool deinterlace);
    /// The next frames, at most kPartFrames; fewer, or none, at the end and behind it.
    std::shared_ptr<FramePart> next();
    bool ended() const { return ended_; }

    static constexpr std::size_t kPartFrames = 16, kPartBytes = 64 << 20;  ///< whatever comes first

private:
    const AVPacket* next_packet();

    Segmenter& segmenter_;
    PacketRun run_;
    std::size_t at_ = 0;
    std::vector<std::int64_t> left_out_;
    Decoder decoder_;
    FrameMaker maker_;
    bool ended_ = false;
};

}  // namespace convoy::media
