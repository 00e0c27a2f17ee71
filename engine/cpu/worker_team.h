// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace convoy {

/// A few threads that do the same job side by side. Idle ones sleep: unlike OpenMP's they take no time from others.
class WorkerTeam {
public:
    /// `size` workers; the thread that calls run() is one of them, so size 1 starts no thread.
    explicit WorkerTeam(int size);
    ~WorkerTeam();
    WorkerTeam(const WorkerTeam&) = delete;
    WorkerTeam& operator=(const WorkerTeam&) = delete;

    int size() const { return int(threads_.size()) + 1; }
    /// Calls job(worker) once on every worker and waits for all; then throws what the first of them threw, if any did.
    void run(const std::function<void(int worker)>& job);

private:
    void work(int worker);
    void stop();
    void attempt(const std::function<void(int)>& job, int worker);

    std::mutex mutex_;
    std::condition_variable begin_, end_;
    const std::function<void(int)>* job_ = nullptr;
    unsigned round_ = 0;
    int busy_ = 0;
    bool stopping_ = false;
    std::exception_ptr error_;
    std::vector<std::thread> threads_;
};

}  // namespace convoy
