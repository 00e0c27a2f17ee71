// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include <convoy/segment.h>
#include "tools/media/av_handles.h"
#include "tools/media/av_io.h"
#include "tools/media/in/video_stream.h"

namespace convoy::media {

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
    Demuxer(const Demuxer&) = delete;
    Demuxer& operator=(const Demuxer&) = delete;

    /// Width and height stay 0: only a decoded frame tells.
    const InputInfo& info() const { return info_; }
    const VideoStreamPtr& stream() const { return stream_; }
    /// Whether it is a recording: of a length that is known in seconds or in bytes.
    bool is_recording() const;

    /// Which of several video streams it is, a few words; empty where there is one.
    const std::string& remark() const { return remark_; }

    /// The next packet into `packet`; false at the end, which comes early when the container is damaged.
    bool read(AVPacket& packet);
    /// Reading that ended early, a file that is cut short: complete once read() has returned false.
    const SegmentNotes& notes() const { return notes_; }

private:
    using Clock = std::chrono::steady_clock;

    void open(const AVInputFormat* format);
    std::string why_unopened(int code, bool from_far) const;
    void look_up_host() const;
    bool gives_up() const;
    void expect_something();
    void find_streams();
    void choose_stream(int wanted);
    int find_stream(int wanted);
    void describe();
    void keep_time(const AVPacket& packet);
    void check_cut_short();
    [[noreturn]] void fail(const std::string& what) const;

    InputInfo info_;
    std::stop_token cancel_;
    std::optional<Clock::duration> silence_;  // of what is no file
    Clock::time_point deadline_ = Clock::time_point::max();
    const bool asks_again_;                   // a camera, which libav asks until it has a picture
    std::unique_ptr<InputStream> stream_in_;  // of what is no regular file
    AvioPtr io_;
    DemuxerPtr context_;
    AVStream* chosen_ = nullptr;
    VideoStreamPtr stream_;
    std::string remark_;
    SegmentNotes notes_;
    bool ended_ = false;

    double frame_s_;                 // a frame's duration
    std::optional<double> first_s_;  // container time of the first packet
    double end_s_ = 0;               // of the packets so far, from the first one's begin
};

}  // namespace convoy::media
