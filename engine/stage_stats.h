// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

namespace convoy {

/// Time that one stage of a pipeline spent working (waiting on its queues is not counted).
struct StageStats {
    std::string name;       ///< "preprocess", "network", …
    std::size_t count = 0;  ///< pieces of work: frames, or batches where the stage works in batches
    double total_s = 0;
    double median_ms = 0, p95_ms = 0, p99_ms = 0;  ///< of one piece
};

/// Collects the durations of one stage; add() may be called from several threads.
class StageClock {
public:
    using Clock = std::chrono::steady_clock;

    explicit StageClock(std::string name) : name_(std::move(name)) {}
    void add(Clock::duration d) { add(std::chrono::duration<double, std::milli>(d).count()); }
    void add(double ms);
    StageStats stats() const;

    /// Times its own lifetime.
    class Scope {
    public:
        explicit Scope(StageClock& clock) : clock_(clock), start_(Clock::now()) {}
        ~Scope() { clock_.add(Clock::now() - start_); }
        Scope(const Scope&) = delete;
        Scope& operator=(const Scope&) = delete;

    private:
        StageClock& clock_;
        Clock::time_point start_;
    };

private:
    std::string name_;
    mutable std::mutex mutex_;
    std::vector<float> ms_;  // grows by 4 bytes a piece of work: 14 MB for an hour at 1,000 frames/s
};

}  // namespace convoy
