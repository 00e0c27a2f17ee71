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

namespace convoy::media {

/// Reads a LiveInput: connects, decodes what comes from the first keyframe on, by NVDEC where it can, connects again.
class LiveReader : public SegmentReader {
public:
    LiveReader(const std::string& path, const InputOptions& options, std::stop_token cancel,
               const DecodeTarget& target);
    /// Any segment: there is only one.
    void open(std::shared_ptr<const Segment> segment) override;
    /// Waits for the next frame. Nothing once it was cancelled, or given up after there had been frames. Throws
    /// Error(input) when it is given up without ever having had one.
    std::optional<Frame> next() override;
    SegmentNotes notes() const override { return notes_; }

private:
    using Clock = std::chrono::steady_clock;
    struct Connection {
        std::unique_ptr<Demuxer> demuxer;
        std::unique_ptr<Decoder> decoder;
        std::unique_ptr<FrameMaker> maker;
        int packets_before_keyframe = 0;
        bool begun = false;
    };

    bool connect();
    const AVPacket* next_packet();
    std::optional<Frame> next_of_connection();
    void drop();
    bool given_up();
    void pause();
    double continued(double stamp_s);

    const std::string path_, name_;  // name_: for people
    const InputOptions options_;
    std::stop_token cancel_;
    DecodeTarget target_;
    BufferPtr device_;
    std::string no_device_;  // why not

    std::optional<Connection> connection_;
    PacketPtr packet_{av_packet_alloc()};
    SegmentNotes notes_;
    std::string refusal_;  // of the last try to connect
    Clock::duration pause_;
    Clock::time_point last_frame_;  // or the begin
    bool had_frames_ = false;
    double offset_s_ = 0, last_s_ = std::nan("");  // from the connection's stamps to ours; the last frame's
    bool must_continue_ = false;                   // the next stamp begins a new count
};

}  // namespace convoy::media
