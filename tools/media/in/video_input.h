// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <memory>
#include <string>

#include <convoy/media/input.h>
#include <convoy/segment.h>
#include "tools/media/in/demuxer.h"
#include "tools/media/in/hand_out.h"
#include "tools/media/in/segmenter.h"

namespace convoy::media {

/// A recording, cut where decoding may begin. What cannot be cut is decoded while next_segment() is called, and handed
/// out as frames.
class VideoInput : public Input {
public:
    /// Of the options, how many threads decode what cannot be cut, and how many frames are wanted. Throws Error(input)
    /// as Demuxer does, and when not one frame can be decoded.
    VideoInput(std::unique_ptr<Demuxer> demuxer, std::stop_token cancel, const InputOptions& options);
    const InputInfo& info() const override { return info_; }
    std::shared_ptr<const Segment> next_segment() override;
    SegmentNotes notes() const override;
    std::string remark() const override;
    double last_frame_s() const override;
    std::unique_ptr<SegmentReader> make_reader(const DecodeTarget& target) override;
    bool adopt_reader(SegmentReader& reader) override;

private:
    void look_at_first_frame();
    std::string how_cut() const;
    bool has_enough() const { return past_end_ || (options_.frames > 0 && frames_ == options_.frames); }
    void see(double time_s);
    void trim(FramePart& part);
    bool wants(PacketSegment& segment);
    void narrow_info();
    std::shared_ptr<const Segment> read_segment();

    std::stop_token cancel_;
    std::unique_ptr<Demuxer> demuxer_;
    VideoStreamPtr stream_;
    InputInfo info_;
    const InputOptions options_;
    FrameWindow window_;
    std::int64_t held_ = 0;    // frames in the window so far
    std::int64_t frames_ = 0;  // handed out, where only so many are wanted
    std::int64_t inside_ = 0;  // stamps in a row that are not before the window
    bool row_begins_ = false;  // with the next part that has frames
    bool past_end_ = false;    // of the window
    Segmenter segmenter_;
    std::unique_ptr<HandOut> hand_out_;
    std::deque<std::shared_ptr<const Segment>> ready_;
    SegmentNotes notes_;  // of segments that were dropped, since they hold no frame
};

}  // namespace convoy::media
