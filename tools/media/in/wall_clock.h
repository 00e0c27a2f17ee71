// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cmath>
#include <limits>

namespace convoy::media {

/// The wall clock's times of a live connection's frames, in seconds since 1970 (UTC): by the sender's clock where it
/// tells that (RTCP's reports), else when they came. A sender without a clock may count from when it was switched on:
/// what is more than a day off is not believed.
class WallClock {
public:
    using Steady = std::chrono::steady_clock;

    /// Another connection begins.
    void connect() { offset_s_ = kUnknown; }
    /// By the sender's clock it was `wall_s` at the stamp `stamp_s`; what is not finite says nothing.
    void see(double wall_s, double stamp_s) {
        if (std::isfinite(wall_s - stamp_s)) offset_s_ = wall_s - stamp_s;
    }
    /// Of a frame with this stamp (NaN: none) that came then.
    double time_of(double stamp_s, Steady::time_point came) const {
        const auto since_then = std::chrono::duration<double>(Steady::now() - came);
        const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
        const double came_s = (now - since_then).count(), sent_s = stamp_s + offset_s_;
        return std::fabs(sent_s - came_s) < kDay ? sent_s : came_s;
    }

private:
    static constexpr double kDay = 86400, kUnknown = std::numeric_limits<double>::quiet_NaN();
    double offset_s_ = kUnknown;  // from the connection's stamps to the sender's clock
};

}  // namespace convoy::media
