// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

namespace convoy::media {

/// Times of a live input's frames over all its connections. They are the stamps, as the first connection began to count
/// them. At the begin of each further one, and wherever a stamp is missing, steps back or leaps, a frame is as much
/// later than the one before as it came later by the clock, and stamps count on from there.
class LiveClock {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    /// Another connection begins, whose stamps begin anywhere. `frame_s`: how long a frame is shown there.
    void connect(double frame_s) {
        frame_s_ = frame_s;
        offset_s_ = kUnknown;
        is_first_ = true;
    }

    /// Seconds of the next frame, more than of the one before. It is stamped `stamp_s` (NaN: not at all).
    double time_of(double stamp_s, TimePoint came) {
        const bool first = std::exchange(is_first_, false), counts = std::isfinite(offset_s_);
        double elapsed_s = std::chrono::duration<double>(came - std::exchange(came_, came)).count();
        double time_s = stamp_s + offset_s_;
        const double step_s = time_s - last_s_;  // not a number where there is nothing to compare
        if (!std::isfinite(time_s) || step_s < -kDisorder || step_s > std::max(elapsed_s, 0.) + kLongestLeap) {
            // The first frame of a server may have no stamp, and libav reads ahead: they come in one go.
            if (!first && !counts && std::isfinite(stamp_s)) elapsed_s = frame_s_;
            time_s = std::isfinite(last_s_)   ? last_s_ + std::max(elapsed_s, kLeastStep)
                     : std::isfinite(stamp_s) ? stamp_s
                                              : 0;
            if (std::isfinite(stamp_s)) offset_s_ = time_s - stamp_s;
        }
        return last_s_ = std::isfinite(last_s_) ? std::max(time_s, last_s_ + kLeastStep) : time_s;
    }

    /// Where among the frames' times something lies that is stamped `stamp_s` (NaN: not at all); NaN before the first.
    double near(double stamp_s, TimePoint came) const {
        const double time_s = stamp_s + offset_s_;
        return std::isfinite(time_s) ? time_s : last_s_ + std::chrono::duration<double>(came - came_).count();
    }

    /// Of the last frame; NaN before the first.
    double last_s() const { return last_s_; }

private:
    static constexpr double kDisorder = .2;     // s; a step back of less is a wrong order: time waits for the stamps
    static constexpr double kLongestLeap = 10;  // s more than the clock says
    static constexpr double kLeastStep = .001;
    static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
    double frame_s_ = 0;
    double offset_s_ = kUnknown;  // from the connection's stamps to ours
    double last_s_ = kUnknown;
    TimePoint came_;
    bool is_first_ = true;
};

}  // namespace convoy::media
