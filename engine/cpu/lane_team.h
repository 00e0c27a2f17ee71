// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace convoy {

/// Threads that work on the pictures of batches, each on the next one as soon as it is free. So none waits for another
/// at the end of a batch. Idle ones sleep: unlike OpenMP's they take no time from others.
class LaneTeam {
public:
    using Clock = std::chrono::steady_clock;
    using Work = std::function<void(int picture, int lane)>;
    /// A batch under way, which must stay until wait() or finish() has returned.
    class Batch {
        friend class LaneTeam;
        Work work_;
        int count_ = 0, taken_ = 0, left_ = 0;
        std::exception_ptr error_;
        double ms_ = 0;
    };

    /// So many lanes. One alone has no thread, and can only do what run_here() says.
    explicit LaneTeam(int lanes);
    ~LaneTeam();
    LaneTeam(const LaneTeam&) = delete;
    LaneTeam& operator=(const LaneTeam&) = delete;

    int size() const { return lanes_; }
    /// Has work(picture, lane) called for pictures 0 … count − 1. Returns at once, or when all pictures of the batch
    /// before have been taken. By one thread at a time, as are run_here() and idle().
    void begin(Batch& batch, int count, Work work);
    /// The same on the calling thread as lane 0, to the end. Only while the team is idle.
    void run_here(Batch& batch, int count, const Work& work);
    bool idle();
    void wait_until_idle();
    /// Waits for a batch and says for how many milliseconds the team was at work, on whatever, since the batch that
    /// ended before it: those of all batches add up to the time that it was not idle. Throws what the first picture
    /// that failed threw; those that had not been taken by then were left out.
    double wait(Batch& batch);
    /// Waits for a batch whose results nobody wants.
    void finish(Batch& batch) noexcept;

private:
    void work(int lane);
    void stop();

    const int lanes_;
    std::mutex mutex_;
    std::condition_variable ready_, taken_, done_;
    Batch* next_ = nullptr;  // of which not all pictures have been taken
    int busy_ = 0;           // lanes
    bool stopping_ = false;
    Clock::duration at_work_{};  // since the last end of a batch, up to since_
    Clock::time_point since_;    // while any lane is busy: what follows is not in at_work_ yet
    std::vector<std::thread> threads_;
};

}  // namespace convoy
