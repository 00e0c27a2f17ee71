// SPDX-License-Identifier: MIT
#include "engine/cuda/gpu_clock.h"

namespace convoy {
namespace {

constexpr std::chrono::seconds kGoodFor{4};
constexpr int kTries = 8;

}  // namespace

GpuClock::GpuClock(Patience& patience) : patience_(patience), stream_(make_stream()), anchor_(make_event(true)) {
    compare();
}

// The event happened between two looks at the clock; the shortest of a few such times is taken.
void GpuClock::compare() {
    Clock::duration best = Clock::duration::max();
    CudaEvent spare = make_event(true);
    for (int i = 0; i < kTries; ++i) {
        const auto before = Clock::now();
        cuda_check(cudaEventRecord(spare.get(), stream_.get()), "cudaEventRecord");
        wait_for(patience_, spare.get(), "a look at its clock", Patience::Manner::spin);
        const auto after = Clock::now();
        if (after - before >= best) continue;
        best = after - before;
        at_ = before + best / 2;
        std::swap(spare, anchor_);
    }
}

GpuClock::Clock::time_point GpuClock::time_of(cudaEvent_t event) {
    const std::lock_guard lock(mutex_);
    float ms = 0;
    cuda_check(cudaEventElapsedTime(&ms, anchor_.get(), event), "cudaEventElapsedTime");
    const std::chrono::duration<double, std::milli> since(ms);
    const auto at = at_ + std::chrono::duration_cast<Clock::duration>(since);
    if (since > kGoodFor) compare();
    return at;
}

}  // namespace convoy
