// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <limits>

#include <convoy/media/input.h>

namespace convoy::media {

/// Which frames of a recording are wanted: every N-th between two times, in the container's seconds.
struct FrameWindow {
    FrameWindow() = default;
    /// `begin_s`: where the container begins to count.
    FrameWindow(const InputOptions& options, double begin_s) : every(options.every) {
        if (options.start_s > 0) from_s = begin_s + options.start_s - kTick;
        if (options.stop_s > 0) until_s = begin_s + options.stop_s - kTick;
    }

    bool is_past(double time_s) const { return time_s >= until_s; }
    /// What has no time is in it.
    bool holds(double time_s) const { return !(time_s < from_s) && !is_past(time_s); }
    /// A row of frames lay in it: so does what follows, though stamps should begin anew.
    void begin() { from_s = -std::numeric_limits<double>::infinity(); }
    /// Whether one of the next `count` frames that it holds is wanted.
    bool wants_any(std::int64_t number, std::int64_t count) const {
        return (number + every - 1) / every * every < number + count;
    }
    bool wants(std::int64_t number) const { return number % every == 0; }

    std::int64_t every = 1;
    double from_s = -std::numeric_limits<double>::infinity(), until_s = std::numeric_limits<double>::infinity();

private:
    static constexpr double kTick = 1e-6;  // by which stamps may be rounded
};

}  // namespace convoy::media
