// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <limits>
#include <optional>

namespace convoy::tools {

/// Where a recording's time stamps leap or step back, by how a run has placed its frames (`time_s` never does).
class StampSteps {
public:
    /// Frames in order. How much later than its time a frame is stamped from this one on, where that is new; never of
    /// the first. Frames that stand still until stamps in a wrong order have caught up make no step.
    std::optional<double> see(double pts_s, double time_s, double frame_s) {
        if (std::isnan(pts_s)) return std::nullopt;
        const double earlier_s = pts_s - time_s;
        if (std::fabs(earlier_s - earlier_s_) <= kDisorder * frame_s) return std::nullopt;
        const bool first = std::isnan(earlier_s_);
        earlier_s_ = earlier_s;
        return first ? std::nullopt : std::optional(earlier_s);
    }
    /// Not a number before the first frame with a stamp.
    double earlier_s() const { return earlier_s_; }

private:
    static constexpr double kDisorder = 5.5;  // frames: Timeline lets time stand still for five
    double earlier_s_ = std::numeric_limits<double>::quiet_NaN();
};

}  // namespace convoy::tools
