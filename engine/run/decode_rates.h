// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <mutex>

namespace convoy {

/// How fast a device's frames come from its own decoders and from CPU threads that help: whether a segment that the CPU
/// takes now is done before the device's own decoders would have got to it.
class DecodeRates {
public:
    enum class By { gpu, cpu };

    /// A thread has read a segment to its end, which has taken it `seconds`, of which it was decoding for `decoding_s`.
    void add(By by, std::int64_t frames, double seconds, double decoding_s) {
        const std::lock_guard lock(mutex_);
        Mean& mean = by == By::gpu ? gpu_ : cpu_;
        mean.frames = kKeep * mean.frames + double(frames);
        mean.seconds = kKeep * mean.seconds + seconds;
        mean.decoding_s = kKeep * mean.decoding_s + decoding_s;
        mean.segments = kKeep * mean.segments + 1;
    }
    /// Whether the device's own decoders have read a segment.
    bool gpu_is_known() const {
        const std::lock_guard lock(mutex_);
        return gpu_.segments > 0;
    }
    /// `frames_left` are yet to be read; `helping` threads of the CPU are on segments of theirs, `threads` of all GPUs'
    /// decoders at work.
    bool cpu_helps(double frames_left, int helping, int threads) const {
        const std::lock_guard lock(mutex_);
        if (threads == 0 || gpu_.segments == 0) return true;
        const double gpu_frames_per_second = threads * gpu_.frames / gpu_.seconds;
        if (cpu_.segments == 0) return kUnknownCpu * gpu_.seconds / gpu_.segments < frames_left / gpu_frames_per_second;
        const double taken = helping * cpu_.frames / cpu_.segments / 2;  // which the GPU will not read
        return cpu_.seconds / cpu_.segments < (frames_left - taken) / gpu_frames_per_second;
    }

    /// Whether `threads` of the device's own decoders are known to keep a network of that speed busy, if it lets them.
    bool gpu_suffices(int threads, double network_frames_per_second) const {
        const std::lock_guard lock(mutex_);
        return network_frames_per_second > 0 && gpu_.decoding_s > 0 &&
               threads * gpu_.frames / gpu_.decoding_s >= network_frames_per_second;
    }

private:
    static constexpr double kUnknownCpu = 4;  // times as long for a segment as a GPU's decoder, until one was read
    static constexpr double kKeep = .9;       // of what was known before: the last ten segments count
    struct Mean {
        double frames = 0, seconds = 0, decoding_s = 0, segments = 0;  // weighted alike, so their ratios are means
    };
    mutable std::mutex mutex_;
    Mean gpu_, cpu_;
};

}  // namespace convoy
