// SPDX-License-Identifier: MIT
#include "engine/run/work_pool.h"

#include <utility>

#include "engine/start_thread.h"

namespace convoy {

WorkPool::WorkPool(int threads) {
    try {
        for (int i = 0; i < threads; ++i) start_thread(threads_, [this, i] { loop(i); });
    } catch (const Error&) {
        if (threads_.empty()) throw;  // else the others do its share
    } catch (...) {
        stop();
        throw;
    }
}

WorkPool::~WorkPool() { stop(); }

void WorkPool::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    available_.notify_all();
    for (std::thread& thread : threads_)
        if (thread.joinable()) thread.join();
}

bool WorkPool::idle() const {
    const std::lock_guard lock(mutex_);
    return queue_.empty() && running_ == 0;
}

void WorkPool::wake(std::shared_ptr<Strand> strand) {
    {
        const std::lock_guard lock(mutex_);
        strand->woken_ = true;
        if (strand->queued_ || strand->running_) return;
        strand->queued_ = true;
        Queue::node_type node = std::move(strand->node_);
        node.mapped() = std::move(strand);
        queue_.insert(std::move(node));
    }
    available_.notify_one();
}

void WorkPool::loop(int thread) {
    std::unique_lock lock(mutex_);
    for (;;) {
        available_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
        if (stopping_) return;
        auto node = queue_.extract(queue_.begin());  // put back as it is: no allocation, which could fail
        std::shared_ptr<Strand>& strand = node.mapped();
        strand->queued_ = strand->woken_ = false;
        strand->running_ = true;
        ++running_;
        lock.unlock();
        const bool did_something = strand->step(thread);
        lock.lock();
        strand->running_ = false;
        --running_;
        if (did_something || strand->woken_) {
            strand->queued_ = true;
            queue_.insert(std::move(node));
            available_.notify_one();
            continue;
        }
        std::shared_ptr<Strand> idle = std::move(strand);
        idle->node_ = std::move(node);
        lock.unlock();
        idle.reset();  // perhaps the last to know it
        lock.lock();
    }
}

}  // namespace convoy
