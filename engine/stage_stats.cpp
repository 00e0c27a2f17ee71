// SPDX-License-Identifier: MIT
#include <convoy/stage_stats.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace convoy {
namespace {

constexpr int kSteps = 128, kStepBits = 7;  // in a power of two: a duration is known to 0.4 %
constexpr int kOctaves = 44;                // 2^50 ns are 13 days

// Below 2^7 ns a bucket is a nanosecond, from there on each power of two has its steps.
std::size_t bucket_of(double ms) {
    const auto ns = std::uint64_t(std::clamp(ms * 1e6, 0., 0x1p50));
    if (ns < kSteps) return std::size_t(ns);
    const int octave = std::bit_width(ns) - 1 - kStepBits;
    return std::min<std::size_t>(std::size_t(octave) * kSteps + (ns >> octave), std::size_t(kOctaves + 1) * kSteps - 1);
}

// The middle of a bucket.
double ms_of(std::size_t bucket) {
    if (bucket < kSteps) return double(bucket) * 1e-6;
    const std::size_t octave = bucket / kSteps - 1, step = bucket % kSteps + kSteps;
    return std::ldexp(double(step) + .5, int(octave)) * 1e-6;
}

}  // namespace

StageClock::StageClock(std::string name) : name_(std::move(name)), counts_(std::size_t(kOctaves + 1) * kSteps) {}

void StageClock::add(double ms) {
    const std::lock_guard lock(mutex_);
    ++counts_[bucket_of(ms)];
    least_ms_ = count_ ? std::min(least_ms_, ms) : ms;
    most_ms_ = count_ ? std::max(most_ms_, ms) : ms;
    ++count_;
    total_ms_ += ms;
}

void StageClock::clear() {
    const std::lock_guard lock(mutex_);
    std::fill(counts_.begin(), counts_.end(), 0);
    count_ = 0;
    total_ms_ = least_ms_ = most_ms_ = 0;
}

double StageClock::at_rank(std::size_t rank) const {
    std::size_t seen = 0, bucket = 0;
    while (seen + counts_[bucket] < rank) seen += counts_[bucket++];
    return std::clamp(ms_of(bucket), least_ms_, most_ms_);
}

StageStats StageClock::stats() const {
    const std::lock_guard lock(mutex_);
    StageStats out;
    out.name = name_;
    out.count = count_;
    out.total_s = total_ms_ * 1e-3;
    if (count_ == 0) return out;
    // Nearest rank: the smallest value that at least this share of the pieces did not exceed.
    const auto percentile = [&](double share) {
        return at_rank(std::clamp<std::size_t>(std::size_t(std::ceil(share * double(count_) - 1e-9)), 1, count_));
    };
    out.median_ms = percentile(.5);
    out.p95_ms = percentile(.95);
    out.p99_ms = percentile(.99);
    out.max_ms = most_ms_;
    return out;
}

}  // namespace convoy
