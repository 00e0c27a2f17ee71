// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>

#include <convoy/segment.h>

namespace convoy {

/// Numbers an input's frames as they come out in order, and turns the container's stamps into seconds since the first.
class Timeline {
public:
    explicit Timeline(const InputInfo& info) {
        if (info.fps_num > 0 && info.fps_den > 0) frame_s_ = double(info.fps_den) / info.fps_num;
    }

    void number(Frame& frame) {
        frame.index = frames_++;
        frame.pts_s = frame.time_s;
        frame.time_s = time_of(frame.time_s);
    }
    std::int64_t frames() const { return frames_; }

private:
    // Without a stamp time goes on at the frame rate.
    double time_of(double stamp_s) {
        double time_s = expected_s_;
        if (!std::isnan(stamp_s)) {
            if (!origin_s_) origin_s_ = stamp_s - expected_s_;
            time_s = stamp_s - *origin_s_;
        }
        expected_s_ = time_s + frame_s_;
        return time_s;
    }

    static constexpr double kDefaultRate = 25;  // frames/s where neither stamps nor the container tell
    double frame_s_ = 1 / kDefaultRate;
    double expected_s_ = 0;
    std::optional<double> origin_s_;
    std::int64_t frames_ = 0;
};

}  // namespace convoy
