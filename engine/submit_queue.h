// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "engine/device_worker.h"

namespace convoy {

/// Single frames over all devices: each device has a thread that takes the next frame as soon as it has room; results
/// come back in the order of submission. Frames that a failing device had go to the others.
class SubmitQueue {
public:
    /// `capacity` frames fit between submit() and next().
    SubmitQueue(const std::vector<std::unique_ptr<DeviceWorker>>& devices, int capacity);
    ~SubmitQueue();
    SubmitQueue(const SubmitQueue&) = delete;
    SubmitQueue& operator=(const SubmitQueue&) = delete;

    /// Waits for room. Throws Error(device) once no device is left.
    void submit(Frame frame);
    /// Runs what was submitted so far without waiting for full batches.
    void flush();
    /// Flushes, and makes next() return nothing after the last result.
    void finish();
    std::optional<Result> next();

private:
    using Clock = StageClock::Clock;
    struct Waiting {
        std::int64_t number;
        Frame frame;
        Clock::time_point at;
    };
    class Receiver;

    void stop();
    void feed(DeviceWorker& device);
    bool place(DeviceWorker& device, DecoderSeat& seat, const Waiting& next);
    void take(FrameOutcome outcome);
    bool flush_is_due();
    void flush_devices();
    std::exception_ptr all_failed() const;

    const std::vector<std::unique_ptr<DeviceWorker>>& devices_;
    const std::int64_t capacity_;
    std::shared_ptr<Receiver> receiver_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Waiting> waiting_;
    std::map<std::int64_t, Waiting> under_way_;     // by number
    std::map<std::int64_t, FrameOutcome> results_;  // by number
    std::deque<std::int64_t> ends_;                 // finish() was called before these numbers
    std::int64_t submitted_ = 0, taken_ = 0;
    std::int64_t flush_below_ = 0;  // frames with smaller numbers wait for no other
    bool flush_wanted_ = false;
    int placing_ = 0, feeders_ = 0;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace convoy
