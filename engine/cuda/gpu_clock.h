// SPDX-License-Identifier: MIT
#pragma once

#include <mutex>

#include <convoy/stage_stats.h>
#include "engine/cuda/handles.h"

namespace convoy {

/// When a GPU's events happened on the host's clock. The two drift apart by microseconds a second, so they are compared
/// again every few seconds.
class GpuClock {
public:
    using Clock = StageClock::Clock;

    /// For the current device. `patience` outlives the clock.
    explicit GpuClock(Patience& patience);
    /// `event` has timing and has happened. From any thread.
    Clock::time_point time_of(cudaEvent_t event);

private:
    void compare();

    Patience& patience_;
    std::mutex mutex_;
    CudaStream stream_;
    CudaEvent anchor_;
    Clock::time_point at_;
};

}  // namespace convoy
