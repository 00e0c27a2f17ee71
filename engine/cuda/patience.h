// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <utility>

namespace convoy {

/// How long one waits for a device. A wait that takes longer than kLeast and kMany times the longest that ever ended is
/// the device's last: it hangs, and everybody who waits for it is told so.
class Patience {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::seconds kLeast{10};
    static constexpr int kMany = 20;
    static constexpr std::chrono::milliseconds kEager{5};

    /// `device` is its name, "cuda:0".
    explicit Patience(std::string device, Clock::duration least = kLeast) : device_(std::move(device)), least_(least) {}

    enum class Manner {
        sleep,  ///< looks every 20 µs at first, less and less often the longer it takes
        eager,  ///< looks all the time for kEager, and then as `sleep` does: for what nobody may learn of late
        spin,   ///< looks all the time: for what takes microseconds and is to be timed
    };
    /// Returns once `done()` says so; what that throws comes through. Throws Error(device) when the device hangs, to
    /// everybody in the words of the first who found out. Time in which the process did not run does not count.
    void wait(const char* what, const std::function<bool()>& done, Manner manner = Manner::sleep);
    /// A wait that was made otherwise has ended after so long.
    void saw(Clock::duration waited);
    /// Whether the device was given up. It answers no more, so that freeing what lies on it would be another wait.
    bool exhausted() const { return exhausted_; }
    /// What a wait may take now.
    Clock::duration limit() const;

private:
    [[noreturn]] void give_up(const char* what, Clock::duration waited);
    [[noreturn]] void tell() const;

    const std::string device_;
    const Clock::duration least_;
    std::atomic<Clock::duration::rep> longest_ = 0;
    std::atomic<bool> exhausted_ = false;
    mutable std::mutex mutex_;
    std::string verdict_;  // of the first who lost patience; guarded by mutex_
};

}  // namespace convoy
