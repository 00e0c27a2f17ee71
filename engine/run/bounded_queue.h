// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>

namespace convoy {

/// A blocking first-in first-out queue that holds at most `capacity` items: the back-pressure of the pipeline.
template <typename T>
class BoundedQueue {
public:
    using Clock = std::chrono::steady_clock;

    explicit BoundedQueue(std::size_t capacity) : capacity_(capacity) {}

    /// Waits for room. Returns false, and drops the item, once the queue is closed.
    bool push(T item) {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [&] { return closed_ || items_.size() < capacity_; });
        if (closed_) return false;
        items_.push_back(std::move(item));
        lock.unlock();
        available_.notify_one();
        return true;
    }

    /// Waits for an item. nullopt once the queue is closed and empty.
    std::optional<T> pop() {
        std::unique_lock lock(mutex_);
        available_.wait(lock, [&] { return closed_ || !items_.empty(); });
        return take(lock);
    }

    /// As pop(), but gives up at `deadline` with nullopt.
    std::optional<T> pop_until(Clock::time_point deadline) {
        std::unique_lock lock(mutex_);
        available_.wait_until(lock, deadline, [&] { return closed_ || !items_.empty(); });
        return take(lock);
    }

    bool closed() const {
        std::lock_guard lock(mutex_);
        return closed_;
    }

    /// No more pushes; what is inside can still be popped.
    void close() {
        {
            std::lock_guard lock(mutex_);
            closed_ = true;
        }
        room_.notify_all();
        available_.notify_all();
    }

    /// Closes and forgets what is inside.
    void cancel() {
        {
            std::lock_guard lock(mutex_);
            closed_ = true;
            items_.clear();
        }
        room_.notify_all();
        available_.notify_all();
    }

private:
    std::optional<T> take(std::unique_lock<std::mutex>& lock) {
        if (items_.empty()) return std::nullopt;
        std::optional<T> item(std::move(items_.front()));
        items_.pop_front();
        lock.unlock();
        room_.notify_one();
        return item;
    }

    const std::size_t capacity_;
    mutable std::mutex mutex_;
    std::condition_variable room_, available_;
    std::deque<T> items_;
    bool closed_ = false;
};

}  // namespace convoy
