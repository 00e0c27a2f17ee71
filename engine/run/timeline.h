// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

#include <convoy/segment.h>
#include "engine/run/missing_frames.h"

namespace convoy {

/// Numbers an input's frames as they come out in order, and turns the container's stamps into seconds since the first,
/// which never step back. Where a stamp does, or leaps further ahead than InputInfo::longest_gap_s, a frame follows the
/// one before after the usual time, and stamps count from there. A step back of a few frames is a wrong order: then
/// time stands still until stamps have caught up. Where stamps stay the same for more than that, frames follow each
/// other after the usual time until they go on.
class Timeline {
public:
    explicit Timeline(const InputInfo& info)
        : longest_gap_s_(info.longest_gap_s),
          expected_s_(info.start_s),
          last_s_(info.start_s),
          origin_s_(info.origin_s),
          step_(std::max<std::int64_t>(info.frame_step, 1)) {
        if (info.fps_num > 0 && info.fps_den > 0) frame_s_ = double(info.fps_den) / info.fps_num;
        if (info.is_even) missing_.emplace(frame_s_, step_);
    }

    /// The frame's index is how many of the input were dropped before it; `first_stamp_s` is that of the input's first,
    /// where that one may have been dropped, too.
    void number(Frame& frame, double first_stamp_s = std::numeric_limits<double>::quiet_NaN()) {
        if (std::isnan(origin_s_)) origin_s_ = first_stamp_s - expected_s_;
        frame.index = step_ * (frames_++ + frame.index);
        frame.pts_s = frame.time_s;
        if (missing_) missing_->see(frame.pts_s, frame.index);
        frame.time_s = time_of(frame.time_s);
    }
    std::int64_t frames() const { return frames_; }

    /// Places where stamps were no guide, the first with its frame and by how much it was off.
    struct Steps {
        std::int64_t count = 0, first_frame = 0;
        double first_s = 0;
        std::int64_t still = 0, first_still = 0;  ///< frames whose stamps had stayed the same for too long, the first
    };
    const Steps& steps() const { return steps_; }
    /// Nothing of inputs whose frames need not come evenly.
    const std::optional<MissingFrames>& missing() const { return missing_; }

private:
    // Without a stamp time goes on at the frame rate.
    double time_of(double stamp_s) {
        double time_s = expected_s_;
        if (!std::isnan(stamp_s) && !stands_still(stamp_s)) {
            if (std::isnan(origin_s_)) origin_s_ = stamp_s - expected_s_;
            time_s = stamp_s - origin_s_;
            const double step = time_s - last_s_;
            if (step < -kDisorder * frame_s_ || step > std::max(longest_gap_s_, kDisorder * frame_s_)) {
                if (steps_.count++ == 0)
                    steps_.first_frame = step_ * (frames_ - 1), steps_.first_s = time_s - expected_s_;
                time_s = expected_s_;
                origin_s_ = stamp_s - expected_s_;
            }
        }
        last_s_ = std::max(time_s, last_s_);
        expected_s_ = last_s_ + frame_s_;
        return last_s_;
    }

    bool stands_still(double stamp_s) {
        still_ = std::fabs(stamp_s - last_stamp_s_) < std::min(kStill * frame_s_, kStill_s) ? still_ + 1 : 0;
        last_stamp_s_ = stamp_s;
        if (still_ <= kDisorder) return false;
        if (steps_.still++ == 0) steps_.first_still = step_ * (frames_ - 1);
        return true;
    }

    static constexpr double kStill = .01, kStill_s = .0009;  // of a frame's time, and at most
    static constexpr double kDefaultRate = 25;               // frames/s where neither stamps nor the container tell
    static constexpr double kDisorder = 5;                   // frames that decoders reorder, and a little
    double frame_s_ = 1 / kDefaultRate, longest_gap_s_;
    double expected_s_, last_s_;
    double origin_s_;  // NaN until there was a stamp
    double last_stamp_s_ = std::numeric_limits<double>::quiet_NaN();
    int still_ = 0;  // frames in a row with the stamp of the one before
    const std::int64_t step_;
    std::int64_t frames_ = 0;
    Steps steps_;
    std::optional<MissingFrames> missing_;
};

}  // namespace convoy
