// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "engine/run/device_worker.h"

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

    /// False once cancelled, and when there is no room and it is not to `wait`: the frame is as it was then. Throws
    /// Error(device) once no device is left.
    bool submit(Frame&& frame, bool wait = true);
    /// Runs what was submitted so far without waiting for full batches.
    void flush();
    /// Flushes, and makes next() return nothing after the last result.
    void finish();
    /// Drops what is under way; submit() and next() return at once from now on.
    void cancel();
    std::optional<Result> next();
    /// Whether results are yet to come out.
    bool owes() const;

private:
    using Clock = StageClock::Clock;
    struct Entry {
        std::int64_t number;
        Frame frame;
        Clock::time_point at;
        FrameOutcome outcome;
    };
    // Entries go from list to list, so that nothing on a device's thread needs memory.
    using Entries = std::list<Entry>;
    class Receiver;

    static Entries::iterator find(Entries& entries, std::int64_t number);

    void stop();
    void feed(DeviceWorker& device);
    void place(DeviceWorker& device, DecoderSeat& seat, const Entry& next);
    void take(FrameOutcome outcome);
    bool flush_is_due();
    void flush_devices();
    std::exception_ptr all_failed() const;

    const std::vector<std::unique_ptr<DeviceWorker>>& devices_;
    const std::int64_t capacity_;
    std::shared_ptr<Receiver> receiver_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    Entries waiting_, under_way_, results_;
    std::deque<std::int64_t> ends_;  // finish() was called before these numbers
    std::int64_t submitted_ = 0, taken_ = 0;
    std::int64_t flush_below_ = 0;  // frames with smaller numbers wait for no other
    bool flush_wanted_ = false;
    int placing_ = 0, feeders_ = 0;
    bool cancelled_ = false;  // nobody wants results any more
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace convoy
