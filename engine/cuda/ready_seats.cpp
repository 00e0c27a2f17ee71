// SPDX-License-Identifier: MIT
#include "engine/cuda/ready_seats.h"

#include <system_error>
#include <utility>

#include <convoy/error.h>
#include "engine/cuda/backend_cuda.h"

namespace convoy {

ReadySeats::~ReadySeats() {
    stop();
    for (std::thread& thread : threads_) thread.join();
    for (ReadySeat& seat : ready_)
        if (backend_.hangs()) static_cast<void>(seat.reader.release());  // to free it would be to wait for the device
}

void ReadySeats::begin(Make make, int count, Trace* trace) {
    make_ = std::move(make);
    trace_ = trace;
    for (int i = 0; i < count; ++i) {
        try {
            threads_.emplace_back([this, i] {
                ReadySeat made = this->make(i);
                {
                    const std::lock_guard lock(mutex_);
                    ready_.push_back(std::move(made));
                }
                changed_.notify_one();
            });
        } catch (const std::system_error&) {
            return;  // fewer, then
        }
        const std::lock_guard lock(mutex_);
        ++left_;
    }
}

void ReadySeats::stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
}

void ReadySeats::keep(ReadySeat seat) {
    const std::lock_guard lock(mutex_);
    ready_.push_back(std::move(seat));
    ++left_;
}

std::optional<ReadySeat> ReadySeats::take(std::chrono::milliseconds wait) {
    std::unique_lock lock(mutex_);
    const bool settled = changed_.wait_for(lock, wait, [&] { return left_ == 0 || !ready_.empty(); });
    if (!settled) return std::nullopt;
    if (left_ == 0) return ReadySeat{};
    --left_;
    ReadySeat seat = std::move(ready_.front());
    ready_.pop_front();
    return seat;
}

// What goes wrong here is found again by whoever makes what is missing.
ReadySeat ReadySeats::make(int number) {
    ReadySeat made;
    turn_.acquire();
    try {
        const bool stopped = [&] {
            const std::lock_guard lock(mutex_);
            return stopped_;
        }();
        if (!stopped) {
            const std::string name = "decoder " + std::to_string(number);
            const TraceScope traced(trace_, "cuda:" + std::to_string(backend_.device()), name, "make a decoder");
            made.seat = backend_.make_seat(name);
            made.reader = make_(made.seat->target());
        }
    } catch (const std::exception&) {
    }
    turn_.release();
    return made;
}

}  // namespace convoy
