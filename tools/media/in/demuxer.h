// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include <convoy/error.h>
#include <convoy/segment.h>
#include "tools/media/av_handles.h"
#include "tools/media/av_io.h"
#include "tools/media/in/http_body.h"
#include "tools/media/in/lost_end.h"
#include "tools/media/in/video_stream.h"
#include "tools/media/reach.h"

namespace convoy::media {

/// An address that wants another user or password.
class Forbidden : public Error {
public:
    using Error::Error;
};

/// One video stream of a file, an address or a camera, packet by packet.
class Demuxer {
public:
    /// Throws Error(input) naming the path when it is missing, empty, unreadable, of no known kind or without a video
    /// stream that can be decoded. `format` is libav's when it cannot be told from the contents (a camera), else null.
    /// An address or camera that says nothing for `silence` ends, and everything that waits does soon when `cancel` is
    /// asked to stop: for a name service, a network, a camera, for whoever writes into a pipe. That is no damage.
    /// `stream`: InputOptions::stream.
    explicit Demuxer(const std::string& path, std::stop_token cancel = {}, const AVInputFormat* format = nullptr,
                     std::chrono::duration<double> silence = silence_of(30), int stream = -1);
    /// How long an address or camera may say nothing that is given up after so many seconds.
    static std::chrono::duration<double> silence_of(double give_up_s) {
        return std::chrono::duration<double>(std::min(give_up_s, 30.));
    }
    /// From the next packet on.
    void set_silence(std::chrono::duration<double> silence);
    Demuxer(const Demuxer&) = delete;
    Demuxer& operator=(const Demuxer&) = delete;

    /// Width and height stay 0: only a decoded frame tells.
    const InputInfo& info() const { return info_; }
    const VideoStreamPtr& stream() const { return stream_; }
    /// Whether it is read once, from its begin to its end. Not so a camera or a stream, a playlist that grows, and the
    /// pictures of a camera that come over HTTP one behind the other.
    bool is_recording() const;

    /// Whether packets have the time that they are shown at, and are not only numbered (JPEGs one behind the other).
    bool has_times() const { return !(context_->iformat->flags & AVFMT_NOTIMESTAMPS); }

    /// Which of several video streams it is, a few words; empty where there is one.
    const std::string& remark() const { return remark_; }

    /// The container's seconds at which it begins.
    double begin_s() const { return chosen_->start_time == AV_NOPTS_VALUE ? 0 : stream_->seconds(chosen_->start_time); }
    /// Goes to a keyframe before that, in the container's seconds, if an index says where one is. Otherwise it stays
    /// where it is.
    void seek_before(double time_s);
    /// Whether seek_before() can go anywhere.
    bool has_index() const;
    /// The next packet into `packet`; false at the end, which comes early when the container is damaged. Of a recording
    /// from a network whose end does not come the last packet is dropped, which may be half a picture.
    bool read(AVPacket& packet);
    /// When something came last, be it what another stream is made of; at first, when it was opened.
    std::chrono::steady_clock::time_point last_came() const { return last_came_; }
    /// Reading that ended early, a file that is cut short: complete once read() has returned false.
    const SegmentNotes& notes() const { return notes_; }
    /// Why it ended early where nobody broke it off, a few words; else empty. Complete as notes() are.
    const std::string& why_ended() const { return why_ended_; }
    /// Of a live playlist: which part could not be read since this was asked last, a few words; else empty.
    std::string take_gap();
    /// Of a recording from a network whose end did not come: why, and how far it came, a sentence; else empty. Complete
    /// once read() has returned false.
    const std::string& broken_off() const { return broken_off_; }

private:
    using Clock = std::chrono::steady_clock;

    void open(const AVInputFormat* format);
    void end_before_else();
    void require_reach() const;
    std::string why_unopened(int code, bool from_far) const;
    void look_up_host() const;
    std::string why_host_not_found(const std::string& url) const;
    bool gives_up();
    AVIOInterruptCB interrupt();
    void expect_something();
    void heed_bytes();
    void note_arrival();
    void find_streams();
    void choose_stream(int wanted);
    int find_stream(int wanted);
    void describe();
    bool read_next(AVPacket& packet);
    bool is_foreign(const AVPacket& packet);
    void keep_time(const AVPacket& packet);
    bool is_http() const;
    bool is_dash() const;
    /// What the container is read from; null for a playlist, which names that.
    AVIOContext* body() const;
    void end(int code);
    void end_from_far(int code);
    bool stops_amid_dv();
    bool missed_first() const;
    int asks_at_end(AVIOContext& io) const;
    bool still_connected(AVIOContext& io);
    void watch_parts(AVFormatContext& context);
    int open_part(AVFormatContext& context, AVIOContext** io, const std::string& url, AVDictionary** options);
    int connect(AVFormatContext& context, AVIOContext** io, const std::string& url, AVDictionary** options);
    void keep_body(AVFormatContext& context, AVIOContext*& io);
    void look_at_part(AVIOContext& io, const std::string& url);
    bool has_gap() const { return !gap_.empty() && !body(); }
    void break_off(const std::string& reason);
    int disk_error() const;
    bool is_file() const;
    bool has_all();
    const EndOfFile& file_end();
    std::optional<double> own_duration_s() const;
    std::optional<double> stated_s() const;
    std::optional<double> missing_s() const;
    double longest_missing_s() const;
    void check_cut_short();
    [[noreturn]] void fail(const std::string& what) const;

    InputInfo info_;
    std::stop_token cancel_;
    std::optional<Clock::duration> silence_;  // of what is no file
    Clock::time_point deadline_ = Clock::time_point::max(), since_, last_came_;
    const AVFormatContext* opening_ = nullptr;
    std::int64_t arrived_ = 0;                // bytes over HTTP
    bool too_late_ = false;                   // nothing came in time, and what is still read libav had kept back
    mutable std::atomic<int> asked_ = 0;      // how often libav has asked whether to go on
    const bool asks_again_;                   // a camera, which libav asks until it has a picture
    std::unique_ptr<InputStream> stream_in_;  // of what is no regular file
    AvioPtr io_;
    Reach reach_;
    // Of what libav opens over HTTP: how it would close that itself, what is open by its address, and what of a
    // playlist is missing.
    decltype(AVFormatContext::io_close2) close_part_ = nullptr;
    std::map<AVIOContext*, std::string> parts_;
    std::set<std::string> sound_files_;  // of a local playlist: where no picture is
    std::string gap_, last_gap_;
    bool is_live_list_ = false;       // or was one when it was opened
    bool gap_is_amid_ = false;        // a part, whose last packet may be half
    std::unique_ptr<HttpBody> body_;  // where its server knows ranges
    bool has_connected_ = false;
    DemuxerPtr context_;
    AVStream* chosen_ = nullptr;
    VideoStreamPtr stream_;
    std::string remark_;
    PacketPtr held_;          // of a recording from a network: the packet behind the one that was read last
    std::int64_t size_ = -1;  // bytes, where that is known
    std::string broken_off_, why_ended_;
    SegmentNotes notes_;
    bool ended_ = false, ends_in_half_ = false, stops_amid_av1_ = false;
    std::optional<EndOfFile> file_end_;

    double frame_s_;                 // a frame's duration
    std::optional<double> first_s_;  // container time of the first packet
    double end_s_ = 0;               // of the packets so far, from the first one's begin
    std::int64_t packets_ = 0;
    std::int64_t foreign_ = 0;  // since the last one
    LastPacket last_packet_;
};

}  // namespace convoy::media
