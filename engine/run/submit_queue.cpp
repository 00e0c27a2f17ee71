// SPDX-License-Identifier: MIT
#include "engine/run/submit_queue.h"

#include <algorithm>
#include <utility>

#include <convoy/error.h>
#include "engine/run/thread_affinity.h"
#include "engine/start_thread.h"

namespace convoy {

// The queue ends after the last of its frames.
class SubmitQueue::Receiver : public FrameReceiver {
public:
    explicit Receiver(SubmitQueue& queue) : queue_(queue) {}
    void take(FrameOutcome outcome) noexcept override { queue_.take(std::move(outcome)); }

private:
    SubmitQueue& queue_;
};

SubmitQueue::SubmitQueue(const std::vector<std::unique_ptr<DeviceWorker>>& devices, int capacity)
    : devices_(devices), capacity_(capacity), receiver_(std::make_shared<Receiver>(*this)) {
    try {
        for (const auto& device : devices_) {
            const std::lock_guard lock(mutex_);
            start_thread(threads_, [this, &device] { feed(*device); });
            ++feeders_;
        }
    } catch (...) {
        stop();
        throw;
    }
}

SubmitQueue::~SubmitQueue() { stop(); }

void SubmitQueue::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    for (const auto& device : devices_) device->drop_pending();
    for (std::thread& thread : threads_) thread.join();
    for (const auto& device : devices_) {
        device->wait_for_none();
        device->set_eager(false);
    }
}

bool SubmitQueue::submit(Frame&& frame, bool wait) {
    {
        std::unique_lock lock(mutex_);
        const auto room = [&] { return submitted_ - taken_ < capacity_; };
        if (wait) changed_.wait(lock, [&] { return room() || cancelled_ || feeders_ == 0; });
        if (cancelled_) return false;
        if (feeders_ == 0) std::rethrow_exception(all_failed());
        if (!room()) return false;
        waiting_.push_back({submitted_, std::move(frame), Clock::now(), {}});
        ++submitted_;
    }
    changed_.notify_all();
    return true;
}

bool SubmitQueue::owes() const {
    const std::lock_guard lock(mutex_);
    return !cancelled_ && (submitted_ > taken_ || !ends_.empty());
}

void SubmitQueue::cancel() {
    Entries dropped;
    {
        const std::lock_guard lock(mutex_);
        cancelled_ = true;
        dropped.splice(dropped.end(), waiting_);
        dropped.splice(dropped.end(), results_);
    }
    changed_.notify_all();
    for (const auto& device : devices_) device->drop_pending();
}

void SubmitQueue::flush() {
    {
        const std::lock_guard lock(mutex_);
        flush_below_ = submitted_;
        flush_wanted_ = true;
        if (!flush_is_due()) return;  // whoever places the last of them flushes
    }
    flush_devices();
}

// Once nothing is on its way to a batch: when it was asked for, and when a frame in a batch that is not full is all
// that others, already done on other devices, wait for.
bool SubmitQueue::flush_is_due() {
    if (!waiting_.empty() || placing_ > 0) return false;
    const bool full = devices_.size() > 1 && submitted_ - taken_ >= capacity_;
    return std::exchange(flush_wanted_, false) || full;
}

void SubmitQueue::flush_devices() {
    for (const auto& device : devices_) device->flush();
}

void SubmitQueue::finish() {
    flush();
    {
        const std::lock_guard lock(mutex_);
        ends_.push_back(submitted_);
    }
    changed_.notify_all();
}

std::optional<Result> SubmitQueue::next() {
    std::unique_lock lock(mutex_);
    const auto at_end = [&] { return !ends_.empty() && ends_.front() == taken_; };
    const auto found = [&] { return find(results_, taken_); };
    changed_.wait(lock, [&] { return cancelled_ || at_end() || found() != results_.end() || feeders_ == 0; });
    if (cancelled_) return std::nullopt;
    if (at_end()) {
        ends_.pop_front();
        return std::nullopt;
    }
    FrameOutcome outcome;
    if (const auto entry = found(); entry != results_.end()) {
        outcome = std::move(entry->outcome);
        results_.erase(entry);
    } else if (taken_ >= submitted_) {
        std::rethrow_exception(all_failed());
    } else {
        outcome.error = all_failed();
    }
    ++taken_;
    lock.unlock();
    changed_.notify_all();
    if (outcome.error) std::rethrow_exception(outcome.error);
    return std::move(outcome.result);
}

std::exception_ptr SubmitQueue::all_failed() const {
    return std::make_exception_ptr(Error(ErrorKind::device, devices_.front()->failure()));
}

// One device's: as soon as it has room, the next frame.
void SubmitQueue::feed(DeviceWorker& device) {
    become_device_thread(device.options().cpus);
    std::unique_ptr<DecoderSeat> seat;
    try {
        seat = device.make_seat("upload");
    } catch (const std::exception& error) {
        device.fail(error.what());
    }
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return stopping_ || device.failed() || !waiting_.empty(); });
        if (stopping_ || device.failed()) break;
        const Entry& next = waiting_.front();
        under_way_.splice(under_way_.end(), waiting_, waiting_.begin());
        ++placing_;
        lock.unlock();
        place(device, *seat, next);
        lock.lock();
        --placing_;
        if (flush_is_due()) {  // what this device did not take another may have placed meanwhile
            lock.unlock();
            flush_devices();
            lock.lock();
        }
    }
    --feeders_;
    lock.unlock();
    changed_.notify_all();
}

// Whatever goes wrong before a frame is in a batch is the device's fault: the frame goes to another.
void SubmitQueue::place(DeviceWorker& device, DecoderSeat& seat, const Entry& next) {
    try {
        FrameTicket ticket(receiver_, std::uint64_t(next.number));
        device.submit(next.frame, next.at, seat, DeviceWorker::Keep::frame, std::move(ticket));
    } catch (...) {
        device.fail(std::current_exception());
    }
}

SubmitQueue::Entries::iterator SubmitQueue::find(Entries& entries, std::int64_t number) {
    return std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.number == number; });
}

void SubmitQueue::take(FrameOutcome outcome) {
    const auto number = std::int64_t(outcome.tag);
    Entries dropped;
    {
        const std::lock_guard lock(mutex_);
        const auto entry = find(under_way_, number);
        if (cancelled_) {
            dropped.splice(dropped.end(), under_way_, entry);
        } else if (outcome.lost && !stopping_) {
            flush_wanted_ = flush_wanted_ || number < flush_below_;
            waiting_.splice(waiting_.begin(), under_way_, entry);
        } else {
            entry->frame = {};
            entry->outcome = std::move(outcome);
            results_.splice(results_.end(), under_way_, entry);
        }
    }
    changed_.notify_all();
}

}  // namespace convoy
