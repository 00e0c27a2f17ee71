// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace convoy {

/// Finds by stamps where frames are missing that came at an even rate, of those from every `step`-th on.
class MissingFrames {
public:
    MissingFrames(double frame_s, std::int64_t step) : frame_s_(frame_s / double(step)), step_(step) {}

    /// The next frame's stamp, and its number.
    void see(double stamp_s, std::int64_t number) {
        const double steps = (stamp_s - last_s_) / frame_s_, whole = std::round(steps);
        if (number > 0 && steps < 0 && -whole * frame_s_ < kPause_s) {
            if (places_ > 0) --frames_;  // it comes late
            ++uneven_;
            return;
        }
        last_s_ = stamp_s;
        if (number == 0) return;
        if (!(std::fabs(steps - whole) <= kJitter && whole >= double(step_) && whole * frame_s_ < kPause_s))
            ++uneven_;
        else if (whole == double(step_))
            ++even_;
        else if (frames_ += std::int64_t(whole) - step_; places_++ == 0)
            first_frame_ = number - step_;
    }

    /// 0 where the others show no even rate either.
    std::int64_t frames() const {
        return even_ >= kLeast && uneven_ * kFew <= even_ && places_ * kFew <= even_
                   ? std::max<std::int64_t>(frames_, 0)
                   : 0;
    }
    std::int64_t places() const { return places_; }
    std::int64_t first_frame() const { return first_frame_; }  ///< behind it are the first

private:
    static constexpr double kJitter = .25;  // of a frame: containers count in milliseconds
    static constexpr double kPause_s = 5;   // who is away for so long has not recorded
    static constexpr std::int64_t kLeast = 25, kFew = 50;
    double frame_s_, last_s_ = 0;
    std::int64_t step_, even_ = 0, uneven_ = 0, places_ = 0, frames_ = 0, first_frame_ = 0;
};

}  // namespace convoy
