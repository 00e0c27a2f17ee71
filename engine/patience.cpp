// SPDX-License-Identifier: MIT
#include "engine/patience.h"

#include <algorithm>
#include <cstdio>
#include <thread>

#include "darknet_loader/error.h"

namespace convoy {
namespace {

using namespace std::chrono_literals;

// A late look costs a share of what was waited for, and a look at a device costs about a microsecond.
constexpr int kLooks = 32;
constexpr Patience::Clock::duration kShortest = 20us, kLongest = 2ms;

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
    const Clock::time_point start = Clock::now();
    for (;;) {
        // The time is taken before the look: a process that was stopped for long finds its device ready then.
        const Clock::duration waited = Clock::now() - start;
        if (exhausted_) give_up(what, waited);
        if (done()) return saw(waited);
        if (waited > limit()) give_up(what, waited);
        if (manner == Manner::sleep) std::this_thread::sleep_for(std::clamp(waited / kLooks, kShortest, kLongest));
    }
}

void Patience::give_up(const char* what, Clock::duration waited) {
    exhausted_ = true;
    throw Error(ErrorKind::device,
                device_ + " hangs: it has not answered for " + seconds(waited) + " (" + what +
                    "), and the longest wait before took " + seconds(Clock::duration(longest_)) +
                    "; end what else runs on it, or reset it (nvidia-smi --gpu-reset), and start again");
}

}  // namespace convoy
