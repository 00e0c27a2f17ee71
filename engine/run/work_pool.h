// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace convoy {

/// A few CPU threads that share out strands: rows of steps, each row in order and one step at a time. Of those that
/// have something to do, the one with the lowest rank goes first.
class WorkPool {
public:
    class Strand;
    using Queue = std::multimap<std::int64_t, std::shared_ptr<Strand>>;  // by rank

    class Strand {
    public:
        explicit Strand(std::int64_t rank) {
            Queue places;
            node_ = places.extract(places.emplace(rank, nullptr));
        }
        virtual ~Strand() = default;
        /// The next step, if there is something to do, on thread 0 … size() - 1 of the pool. False when there was
        /// nothing; wake() it when there is again.
        virtual bool step(int thread) noexcept = 0;

    private:
        friend class WorkPool;
        Queue::node_type node_;  // its place in the queue, while it is not in there: no wake() allocates
        bool queued_ = false, running_ = false, woken_ = false;
    };

    /// Throws Error(device) where the system gives not one thread; fewer than `threads` are enough.
    explicit WorkPool(int threads);
    ~WorkPool();
    WorkPool(const WorkPool&) = delete;
    WorkPool& operator=(const WorkPool&) = delete;

    /// Whether nothing is being done and nothing is left to do.
    bool idle() const;
    int size() const { return int(threads_.size()); }
    /// There is something to do in this strand.
    void wake(std::shared_ptr<Strand> strand);
    /// Waits for the steps that are being done, which may wake() what they like; what is left is not done.
    void stop();

private:
    void loop(int thread);

    mutable std::mutex mutex_;
    std::condition_variable available_;
    Queue queue_;
    int running_ = 0;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace convoy
