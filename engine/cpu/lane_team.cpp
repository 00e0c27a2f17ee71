// SPDX-License-Identifier: MIT
#include "engine/cpu/lane_team.h"

#include <utility>

#include "engine/start_thread.h"

namespace convoy {
namespace {

double milliseconds(LaneTeam::Clock::duration d) { return std::chrono::duration<double, std::milli>(d).count(); }

}  // namespace

LaneTeam::LaneTeam(int lanes) : lanes_(lanes) {
    try {
        for (int lane = 0; lanes > 1 && lane < lanes; ++lane) start_thread(threads_, [this, lane] { work(lane); });
    } catch (...) {
        stop();
        throw;
    }
}

LaneTeam::~LaneTeam() { stop(); }

void LaneTeam::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    ready_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

void LaneTeam::begin(Batch& batch, int count, Work work) {
    {
        std::unique_lock lock(mutex_);
        taken_.wait(lock, [&] { return !next_; });
        batch.work_ = std::move(work);
        batch.count_ = batch.left_ = count;
        batch.taken_ = 0;
        batch.error_ = nullptr;
        next_ = &batch;
    }
    ready_.notify_all();
}

void LaneTeam::run_here(Batch& batch, int count, const Work& work) {
    const Clock::time_point begin = Clock::now();
    batch.error_ = nullptr;
    for (int picture = 0; picture < count; ++picture) work(picture, 0);
    batch.ms_ = milliseconds(Clock::now() - begin);
}

void LaneTeam::work(int lane) {
    std::unique_lock lock(mutex_);
    for (;;) {
        ready_.wait(lock, [&] { return stopping_ || next_; });
        if (stopping_) return;
        Batch& batch = *next_;
        const int picture = batch.taken_++;
        const bool failed = batch.error_ != nullptr;
        if (batch.taken_ == batch.count_) {
            next_ = nullptr;
            taken_.notify_one();
        }
        if (busy_++ == 0) since_ = Clock::now();
        lock.unlock();
        std::exception_ptr error;
        try {
            if (!failed) batch.work_(picture, lane);
        } catch (...) {
            error = std::current_exception();
        }
        lock.lock();
        if (!batch.error_) batch.error_ = std::move(error);
        const Clock::time_point now = Clock::now();
        at_work_ += now - std::exchange(since_, now);
        --busy_;
        if (--batch.left_ > 0) continue;
        batch.ms_ = milliseconds(std::exchange(at_work_, {}));
        done_.notify_all();
    }
}

bool LaneTeam::idle() {
    const std::lock_guard lock(mutex_);
    return !next_ && busy_ == 0;
}

void LaneTeam::wait_until_idle() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return !next_ && busy_ == 0; });
}

void LaneTeam::finish(Batch& batch) noexcept {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return batch.left_ == 0; });
}

double LaneTeam::wait(Batch& batch) {
    finish(batch);
    if (batch.error_) std::rethrow_exception(std::exchange(batch.error_, nullptr));
    return batch.ms_;
}

}  // namespace convoy
