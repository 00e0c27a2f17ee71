// SPDX-License-Identifier: MIT
#include "engine/cuda/patience.h"

#include <algorithm>
#include <cstdio>
#include <thread>
#include <utility>

#include <convoy/error.h>

namespace convoy {
namespace {

using namespace std::chrono_literals;

// A late look costs a share of what was waited for, and a look at a device costs about a microsecond.
constexpr int kLooks = 32;
constexpr Patience::Clock::duration kShortest = 20us, kLongest = 2ms;
constexpr Patience::Clock::duration kMostBetweenLooks =
    100ms;  // more, and the process was stopped, or the machine slept

std::string seconds(Patience::Clock::duration d) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g s", std::chrono::duration<double>(d).count());
    return text;
}

}  // namespace

Patience::Clock::duration Patience::limit() const { return std::max(least_, kMany * Clock::duration(longest_)); }

void Patience::saw(Clock::duration waited) {
    Clock::duration::rep before = longest_;
    while (waited.count() > before && !longest_.compare_exchange_weak(before, waited.count())) {
    }
}

void Patience::wait(const char* what, const std::function<bool()>& done, Manner manner) {
    Clock::time_point last = Clock::now();
    for (Clock::duration waited{};;) {
        if (exhausted_) tell();
        if (done()) return saw(waited);
        if (waited > limit()) give_up(what, waited);
        if (manner == Manner::sleep || (manner == Manner::eager && waited > kEager))
            std::this_thread::sleep_for(std::clamp(waited / kLooks, kShortest, kLongest));
        const Clock::time_point now = Clock::now();
        waited += std::min(now - std::exchange(last, now), kMostBetweenLooks);
    }
}

void Patience::give_up(const char* what, Clock::duration waited) {
    {
        const std::lock_guard lock(mutex_);
        if (verdict_.empty())
            verdict_ = device_ + " hangs: it has not answered for " + seconds(waited) + " (" + what +
                       "), and the longest wait before took " + seconds(Clock::duration(longest_)) +
                       "; end what else runs on it, or reset it (nvidia-smi --gpu-reset), and start again";
    }
    exhausted_ = true;
    tell();
}

void Patience::tell() const {
    const std::lock_guard lock(mutex_);
    throw Error(ErrorKind::device, verdict_);
}

}  // namespace convoy
