// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include <convoy/export.h>

namespace convoy {

/// Time that one stage of a pipeline spent working; waiting on its queues is not counted, or is a stage of its own.
struct StageStats {
    std::string name;       ///< "preprocess", "network", …
    std::size_t count = 0;  ///< pieces of work: frames, or batches where the stage works in batches
    double total_s = 0;
    double median_ms = 0, p95_ms = 0, p99_ms = 0;  ///< of one piece, within 0.4 %
    double max_ms = 0;                             ///< of the longest one
};

/// Collects the durations of one stage in memory that does not grow; add() may be called from several threads, and from
/// destructors.
class CONVOY_API StageClock {
public:
    using Clock = std::chrono::steady_clock;

    explicit StageClock(std::string name);
    void add(Clock::duration d) { add(std::chrono::duration<double, std::milli>(d).count()); }
    void add(double ms);
    StageStats stats() const;
    /// Forgets everything.
    void clear();

private:
    double at_rank(std::size_t rank) const;

    std::string name_;
    mutable std::mutex mutex_;
    std::vector<std::uint64_t> counts_;  // by duration: buckets of equal width within each power of two of nanoseconds
    std::size_t count_ = 0;
    double total_ms_ = 0, least_ms_ = 0, most_ms_ = 0;
};

}  // namespace convoy
