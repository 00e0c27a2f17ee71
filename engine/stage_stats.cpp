// SPDX-License-Identifier: MIT
#include "engine/stage_stats.h"

#include <algorithm>

namespace convoy {

void StageClock::add(double ms) {
    std::lock_guard lock(mutex_);
    ms_.push_back(float(ms));
}

StageStats StageClock::stats() const {
    std::vector<float> sorted;
    {
        std::lock_guard lock(mutex_);
        sorted = ms_;
    }
    StageStats out;
    out.name = name_;
    out.count = sorted.size();
    if (sorted.empty()) return out;
    std::sort(sorted.begin(), sorted.end());
    for (float ms : sorted) out.total_s += double(ms) * 1e-3;
    // Nearest rank: the smallest value that at least this share of the pieces did not exceed.
    const auto percentile = [&](double share) {
        const auto rank = std::size_t(share * double(sorted.size()) + .999999);
        return double(sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1]);
    };
    out.median_ms = percentile(.5);
    out.p95_ms = percentile(.95);
    out.p99_ms = percentile(.99);
    return out;
}

}  // namespace convoy
