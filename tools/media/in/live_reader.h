// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <string>

#include <convoy/media/input.h>
#include <convoy/segment.h>
#include "tools/media/in/decoder.h"
#include "tools/media/in/demuxer.h"
#include "tools/media/in/frame_maker.h"
#include "tools/media/in/live_clock.h"
#include "tools/media/in/packet_times.h"
#include "tools/media/in/wall_clock.h"

namespace convoy::media {

/// Reads a LiveInput: connects, decodes what comes from the first keyframe on, by NVDEC where it can, connects again.
class LiveReader : public SegmentReader {
public:
    /// `stay_open`: DecoderOptions.
    LiveReader(const std::string& path, const InputOptions& options, std::stop_token cancel, const DecodeTarget& target,
               bool stay_open = false);
    /// Any segment: there is only one.
    void open(std::shared_ptr<const Segment> segment) override;
    /// Waits for the next frame. Nothing once it was cancelled, or given up after there had been frames, or a playlist
    /// that grew says that it has ended. Throws
    /// Error(input) when it is given up without ever having had one.
    std::optional<Frame> next() override;
    SegmentNotes notes() const override { return notes_; }

private:
    using Clock = std::chrono::steady_clock;
    struct Connection {
        std::unique_ptr<Demuxer> demuxer;
        std::unique_ptr<FrameMaker> maker;
        int packets_before_keyframe = 0;
        double first_s = std::nan("");  // stamp of the first packet that has one
        Clock::time_point opened;       // since when libav reads ahead, to see what is in the stream
        Clock::time_point first_came;   // the first frame
        bool begun = false, has_frames = false;
    };

    bool connect();
    void make_ready(const VideoStreamPtr& stream);
    bool can_go_on(const VideoStreamPtr& stream) const;
    bool refers_to_nothing(const AVPacket& packet) const;
    std::chrono::duration<double> silent() const { return Clock::now() - silent_since_; }
    const AVPacket* next_packet();
    std::optional<Frame> next_of_connection();
    void see_senders_clock(double stamp_s);
    void drop();
    void note_drop();
    bool given_up();
    void pause();

    const std::string path_, name_;  // name_: for people
    const InputOptions options_;
    std::stop_token cancel_;
    DecodeTarget target_;
    BufferPtr device_;
    std::string no_device_;  // why not
    const bool stay_open_;

    std::optional<Connection> connection_;
    VideoStreamPtr stream_;             // of this connection or the last one
    std::unique_ptr<Decoder> decoder_;  // of that
    bool goes_on_ = false;              // with the last one's
    bool other_headers_ = false;        // came than the container's first ones
    int length_size_ = 0;               // see NalUnits
    PacketPtr packet_{av_packet_alloc()};
    SegmentNotes notes_;
    LiveClock clock_;
    WallClock wall_clock_;
    PacketTimes packet_times_;
    std::string refusal_;  // of the last try to connect
    Clock::duration pause_;
    Clock::time_point silent_since_;  // the last frame, or the begin; time in which nobody waited does not count
    Clock::time_point left_;          // when next() returned
    bool had_frames_ = false;
    std::optional<std::string> dropped_;  // why, where that is not noted yet
    bool has_ended_ = false;              // the playlist
};

}  // namespace convoy::media
