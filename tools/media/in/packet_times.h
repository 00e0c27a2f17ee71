// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>

extern "C" {
#include <libavutil/avutil.h>
}

namespace convoy::media {

/// When the packet of each picture was read, whatever order pictures are decoded in.
class PacketTimes {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    /// Another connection begins, whose stamps begin anywhere.
    void connect() { read_.clear(); }
    /// A packet of this time stamp was read then.
    void note(std::int64_t pts, TimePoint at) {
        last_ = at;
        if (pts == AV_NOPTS_VALUE) return;
        if (read_.size() == kMost) read_.pop_front();
        read_.push_back({pts, at});
    }
    /// Of the next picture, in the order of showing. One without a stamp of its own came with the last packet.
    TimePoint of(std::int64_t pts) {
        const auto found = std::find_if(read_.begin(), read_.end(), [&](const Read& r) { return r.pts == pts; });
        const TimePoint at = found == read_.end() ? last_ : found->at;
        std::erase_if(read_, [&](const Read& r) { return r.pts <= pts; });
        return at;
    }

private:
    static constexpr std::size_t kMost = 128;  // packets that no picture has come of
    struct Read {
        std::int64_t pts;
        TimePoint at;
    };
    std::deque<Read> read_;
    TimePoint last_;
};

}  // namespace convoy::media
