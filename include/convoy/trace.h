// SPDX-License-Identifier: MIT
//
// What ran where and when, for a picture of a run (Perfetto, chrome://tracing).
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace convoy {

/// Something that a thread or a device did.
struct TraceSpan {
    std::string group;  ///< where: "cuda:0", "host"
    std::string track;  ///< a thread or a stream there: "decoder 3", "network"; what runs on it does not overlap
    std::string name;   ///< "decode", "batch of 32"
    double start_us = 0,
           duration_us = 0;  ///< since the trace was made; of devices, too: theirs is set to the host's clock
};

/// Collects spans, from any thread. Give one to EngineOptions::trace; a program may add its own spans to it.
class Trace {
public:
    using Clock = std::chrono::steady_clock;

    /// Counts the span as dropped where there is no memory for it.
    void add(std::string_view group, std::string_view track, std::string_view name, Clock::time_point start,
             Clock::time_point stop) {
        const std::chrono::duration<double, std::micro> at = start - origin_, length = stop - start;
        const std::lock_guard lock(mutex_);
        if (spans_.size() >= kMostSpans) {
            ++dropped_;
            return;
        }
        try {
            spans_.push_back({std::string(group), std::string(track), std::string(name), at.count(), length.count()});
        } catch (const std::bad_alloc&) {
            ++dropped_;
        }
    }
    /// What was collected since the last call.
    std::vector<TraceSpan> take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(spans_, {});
    }
    /// Spans that were not kept: after so many a picture shows nothing more, and memory is bounded.
    std::size_t dropped() const {
        const std::lock_guard lock(mutex_);
        return dropped_;
    }
    static constexpr std::size_t kMostSpans = 2'000'000;

private:
    const Clock::time_point origin_ = Clock::now();
    mutable std::mutex mutex_;
    std::vector<TraceSpan> spans_;
    std::size_t dropped_ = 0;
};

}  // namespace convoy
