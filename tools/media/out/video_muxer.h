// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "tools/media/av_io.h"
#include "tools/media/files.h"
#include "tools/media/out/recording_copy.h"
#include "tools/media/out/video_encoder.h"

namespace convoy::media {

/// Encoded frames into a video file, the pieces of several encoders one behind the other, without encoding again. The
/// file is written under a temporary name and takes its name in close(); without it nothing stays. An .mp4 or .mov
/// grows as fragments, which play up to the last append() even after a kill, and is made a plain one in close().
///
/// A container wants to know of each packet when to decode it: dts, rising from packet to packet and never after pts,
/// the time of showing. The n-th packet's is the time of the frame shown `delay` frames before the n-th, over the
/// whole video; before its start times go on backwards at the nominal rate.
class VideoMuxer {
public:
    /// Throws Error(usage) for an ending other than .mp4, .m4v, .mkv, .mov and .avi, Error(output) when the file cannot
    /// be created, or is a pipe and no .mkv: the other containers go back to their begin. The wait for whoever reads a
    /// pipe can be given up.
    explicit VideoMuxer(const std::string& path, GiveUp give_up = {});

    /// What comes next: encoded frames, and in the order of showing the times from which on frames are shown. Once an
    /// encoder's stream is known either may run ahead of the other; that of the next encoder may come when all frames
    /// of the one before are there with their times. A time that is no later than the one before becomes the next tick:
    /// of 1/90000 s, in .mkv of 1 ms, in .avi of one frame at the nominal rate. Throws Error(output), e.g. on a full
    /// disk, the same from then on whatever comes; Error(unsupported) for frames that one video cannot hold beside
    /// those before; Error(usage) after close() or when frames or times are missing.
    void append(EncodedFrames frames, std::span<const double> times_s);
    /// Copies the sound of a recording, where the container has a place for it: as it was `origin_s` later, container
    /// time. Before the first frame. Throws Error(input) when it cannot be read.
    void copy_sound(const std::string& recording, double origin_s);
    /// The codec of a recording's sound for which the container has no place; empty where there is none.
    std::string sound_left_out() const { return sound_ ? sound_->left_out() : ""; }
    /// From where a picture has the stamp `from_s` on, the sound is `earlier_s` later in the recording: its stamps have
    /// leapt or stepped back there. Before the frames from there on.
    void step_sound(double from_s, double earlier_s);
    /// How many have a time so far.
    std::int64_t frames() const { return frames_; }
    /// Finishes the file; does nothing when that is done. Sound that goes on behind the last frame is copied where the
    /// recording is there to its end (`whole`). The last frame is shown for `last_frame_s` in an .mp4 or .mov; 0, and
    /// in others: for a frame at the nominal rate. Throws Error(output), also when there is no frame.
    void close(bool whole = true, double last_frame_s = 0);
    bool closed() const { return closed_; }
    /// Throws Error(usage) after close().
    void require_open() const;

private:
    void check(int code);
    [[noreturn]] void fail(const std::string& reason);
    bool is_whole() const { return waiting_.empty() && packets_ == frames_; }
    void require_whole() const;
    void begin_stream(std::shared_ptr<const EncodedStream> stream);
    void open_container();
    void add_time(double time_s);
    void write_waiting();
    void flush();
    void copy_sound_until(double time_s);
    std::int64_t tick(std::int64_t frame) const;
    std::int64_t duration_of(std::int64_t packet) const;

    std::string path_;
    const AVOutputFormat* container_;
    AVRational tick_;
    OutputFile file_;
    GiveUp give_up_;
    std::unique_ptr<OutputStream> pipe_;  // where the file is one
    AvioPtr pipe_io_;
    std::optional<RecordingCopy> sound_;
    MuxerPtr muxer_;       // from the first encoder's frames on
    std::string failure_;  // after which nothing more is written
    AVStream* track_ = nullptr;
    std::shared_ptr<const EncodedStream> stream_;  // of the encoder whose frames are coming
    std::deque<PacketPtr> waiting_;                // for times
    std::deque<std::int64_t> ticks_;               // of the frames first_tick_ … frames_ - 1
    std::int64_t first_tick_ = 0, frames_ = 0, packets_ = 0;
    std::int64_t first_frame_ = 0;   // of this encoder
    std::int64_t flushed_at_ = 0;    // in ticks
    std::int64_t longest_wait_ = 0;  // of a picture, from its decoding to its showing, in ticks
    std::int64_t nominal_ = 1;       // ticks between frames at the nominal rate
    bool closed_ = false;
};

}  // namespace convoy::media
