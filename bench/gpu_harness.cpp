// SPDX-License-Identifier: MIT
#include "bench/gpu_harness.h"

#include "bench/harness.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <new>

namespace convoy::bench {
namespace {

constexpr std::size_t kFlushMultiple = 4;  // of the L2: nothing of the last run is left in it
constexpr std::uint64_t kHoldNs = 2'000'000'000;
constexpr std::uint64_t kClockNs = 20'000;
constexpr double kFullClock = .9;  // of the highest seen
constexpr std::size_t kCopyBytes = std::size_t(1) << 30;
constexpr int kOwnRounds = 15;  // for what the harness measures by itself

// Whatever happens while work is being enqueued, the stream must not be left standing.
class Opener {
public:
    explicit Opener(Gate* gate) : gate_(gate) {}
    ~Opener() { open(); }
    void open() { std::atomic_ref(gate_->open).store(1); }

private:
    Gate* gate_;
};

}  // namespace

double GpuSamples::quantile(double share) const {
    std::vector<double> sorted = us;
    std::sort(sorted.begin(), sorted.end());
    const double at = share * double(sorted.size() - 1);
    const std::size_t below = std::size_t(at), above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] + (at - double(below)) * (sorted[above] - sorted[below]);
}

nlohmann::json GpuSamples::json() const {
    return {{"median_us", median()}, {"min_us", quantile(0)}, {"max_us", quantile(1)},
            {"spread", spread()},    {"samples", us.size()},  {"throttled", throttled}};
}

std::size_t device_bytes_in_use(int device) {
    if (device < 0) return 0;
    const DeviceScope scope(device);
    std::size_t free = 0, total = 0;
    cuda_check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
    return total - free;
}

GpuHarness::GpuHarness(int device)
    : device_(device_info(device)),
      patience_("cuda:" + std::to_string(device)),
      scope_(device_.ordinal),
      stream_(make_stream()),
      start_(make_event(true)),
      stop_(make_event(true)),
      flush_(device_.caps.l2_bytes * kFlushMultiple, "flush of the L2"),
      gate_memory_(sizeof(Gate)),
      gate_(new (gate_memory_.data()) Gate) {
    // Loaded now: a kernel that is loaded while another one holds the stream might wait for that one to end.
    gate_->open = 1;
    hold(gate_, kHoldNs, stream());
    read_clock(gate_, kClockNs, stream());
    cuda_check(cudaStreamSynchronize(stream()), "the harness's own kernels");
}

GpuHarness::Sample GpuHarness::sample(const Work& work) {
    *gate_ = {};
    cuda_check(cudaMemsetAsync(flush_.data(), 0, flush_.bytes(), stream()), "flush of the L2");
    {
        Opener opener(gate_);
        hold(gate_, kHoldNs, stream());
        cuda_check(cudaEventRecord(start_.get(), stream()), "cudaEventRecord");
        work(stream());
        cuda_check(cudaEventRecord(stop_.get(), stream()), "cudaEventRecord");
        read_clock(gate_, kClockNs, stream());
    }
    cuda_check(cudaStreamSynchronize(stream()), "timed work");
    if (gate_->timed_out) throw std::runtime_error("work that waits for the device cannot be timed");
    float ms = 0;
    cuda_check(cudaEventElapsedTime(&ms, start_.get(), stop_.get()), "cudaEventElapsedTime");
    top_mhz_ = std::max(top_mhz_, double(gate_->mhz));
    return {ms * 1e3, gate_->mhz};
}

std::vector<GpuSamples> GpuHarness::measure(const std::vector<Work>& works, int warmup, int rounds) {
    // Without the gate: the first launch of a kernel loads it, which may have to wait for the device.
    for (const Work& work : works)
        for (int i = 0; i < std::max(1, warmup); ++i) work(stream());
    cuda_check(cudaStreamSynchronize(stream()), "warm-up");

    std::vector<std::vector<Sample>> taken(works.size());
    const auto counts = [this](const Sample& s) { return s.mhz >= kFullClock * top_mhz_; };
    for (int round = 0; round < 2 * rounds; ++round)
        for (std::size_t i = 0; i < works.size(); ++i)
            if (std::count_if(taken[i].begin(), taken[i].end(), counts) < rounds) taken[i].push_back(sample(works[i]));

    std::vector<GpuSamples> out(works.size());
    for (std::size_t i = 0; i < works.size(); ++i) {
        const bool any = std::any_of(taken[i].begin(), taken[i].end(), counts);
        for (const Sample& s : taken[i]) {
            if (!counts(s)) ++out[i].throttled;
            if (counts(s) || !any) out[i].us.push_back(s.us);
        }
    }
    return out;
}

double GpuHarness::copy_bytes_per_second() {
    const DeviceBuffer from(kCopyBytes, "copy"), to(kCopyBytes, "copy");
    const GpuSamples s = measure(
        [&](cudaStream_t stream) {
            cuda_check(cudaMemcpyAsync(to.data(), from.data(), kCopyBytes, cudaMemcpyDeviceToDevice, stream), "copy");
        },
        1, kOwnRounds);
    return 2 * double(kCopyBytes) / s.median() * 1e6;
}

nlohmann::json GpuHarness::facts(const Network& network, Precision precision) {
    int khz = 0;
    cuda_check(cudaDeviceGetAttribute(&khz, cudaDevAttrClockRate, device_.ordinal), "cudaDeviceGetAttribute");
    const GpuSamples nothing = measure([](cudaStream_t) {}, 1, kOwnRounds);
    return {{"device",
             {{"name", device_.name},
              {"versions", device_.versions},
              {"rated_mhz", khz / 1e3},
              {"top_mhz", top_mhz_},
              {"l2_bytes", device_.caps.l2_bytes},
              {"nothing_us", nothing.median()}}},
            {"model", std::filesystem::path(network.cfg_path).stem().string()},
            {"input", std::to_string(network.input.w) + 'x' + std::to_string(network.input.h)},
            {"precision", precision == Precision::fp16   ? "fp16"
                          : precision == Precision::tf32 ? "tf32"
                                                         : "fp32"}};
}

}  // namespace convoy::bench
