// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <convoy/segment.h>
#include "tools/media/in/decoder.h"
#include "tools/media/in/frame_maker.h"
#include "tools/media/in/hand_out.h"
#include "tools/media/in/packet_segment.h"

namespace convoy::media {

/// Reads the segments of a VideoInput. Packets are decoded by the GPU's NVDEC where the target names a GPU, and by one
/// CPU thread where it does not, or where NVDEC cannot give the same frames to the bit: SegmentNotes::fallback. A
/// segment that breaks while the GPU decodes it is begun again on the CPU; frames that were delivered are not repeated.
class VideoReader : public SegmentReader {
public:
    /// `stay_open`, `deinterlace`: DecoderOptions.
    VideoReader(VideoStreamPtr stream, const DecodeTarget& target, bool stay_open = false, bool deinterlace = false);
    /// Reads the segments of another stream from now on; false where its decoder could not: it is of another kind.
    bool move_to(const VideoStreamPtr& stream);
    void warm_up(std::shared_ptr<const Segment> sample) override;
    void open(std::shared_ptr<const Segment> segment) override;
    std::optional<Frame> next() override;
    SegmentNotes notes() const override { return notes_; }
    bool outlives_run() const override {
        return decoder_has_gpu_ && decoder_->on_gpu() && decoder_headers_ && !packets_ && !frames_;
    }

private:
    std::string gpu_obstacle() const;
    void begin(bool on_gpu);
    void begin_on_cpu(const std::string& why);
    const AVPacket* next_packet();
    std::optional<Frame> next_of_part();
    void end();
    void keep_refusal();
    bool broke_on_gpu() const;
    std::string breakage() const;

    VideoStreamPtr stream_;
    DecodeTarget target_;
    bool stay_open_, deinterlace_;
    BufferPtr device_;
    std::string no_device_;  // why not

    std::shared_ptr<const PacketSegment> packets_;  // the open segment: this
    std::shared_ptr<const FramePart> frames_;       // or this
    std::size_t at_ = 0;
    std::vector<std::int64_t> left_out_;
    std::int64_t delivered_ = 0, skip_ = 0;
    std::int64_t held_ = 0;  // frames of the segment that its window holds, so far
    SegmentNotes notes_;

    std::unique_ptr<Decoder> decoder_;
    std::shared_ptr<const DecoderHeaders> decoder_headers_;  // that decoder_ knows; null: it must not be used again
    bool decoder_has_gpu_ = false;
    std::shared_ptr<const DecoderHeaders> refused_;  // for what NVDEC was not to be had, and why
    std::string refusal_;
    std::optional<FrameMaker> maker_;
};

}  // namespace convoy::media
