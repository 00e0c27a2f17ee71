// SPDX-License-Identifier: MIT
#include "engine/cpu/worker_team.h"

#include <utility>

#include "engine/start_thread.h"

namespace convoy {

WorkerTeam::WorkerTeam(int size) {
    try {
        for (int worker = 1; worker < size; ++worker) start_thread(threads_, [this, worker] { work(worker); });
    } catch (...) {
        stop();
        throw;
    }
}

WorkerTeam::~WorkerTeam() { stop(); }

void WorkerTeam::stop() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    begin_.notify_all();
    for (std::thread& t : threads_) t.join();
}

void WorkerTeam::attempt(const std::function<void(int)>& job, int worker) {
    try {
        job(worker);
    } catch (...) {
        std::lock_guard lock(mutex_);
        if (!error_) error_ = std::current_exception();
    }
}

void WorkerTeam::run(const std::function<void(int)>& job) {
    {
        std::lock_guard lock(mutex_);
        job_ = &job;
        ++round_;
        busy_ = int(threads_.size());
    }
    begin_.notify_all();
    attempt(job, 0);
    std::unique_lock lock(mutex_);
    end_.wait(lock, [&] { return busy_ == 0; });
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

void WorkerTeam::work(int worker) {
    unsigned seen = 0;
    while (true) {
        const std::function<void(int)>* job = nullptr;
        {
            std::unique_lock lock(mutex_);
            begin_.wait(lock, [&] { return stopping_ || round_ != seen; });
            if (stopping_) return;
            seen = round_;
            job = job_;
        }
        attempt(*job, worker);
        std::lock_guard lock(mutex_);
        if (--busy_ == 0) end_.notify_one();
    }
}

}  // namespace convoy
