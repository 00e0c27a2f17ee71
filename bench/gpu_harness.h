// SPDX-License-Identifier: MIT
//
// Times of work on the GPU that can be compared: cold L2, launches queued before the clock starts, full clock.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include <convoy/network.h>
#include <convoy/options.h>
#include "bench/gpu_gate.h"
#include "engine/cuda/device.h"
#include "engine/cuda/handles.h"

namespace convoy::bench {

/// Times of one piece of work, microseconds.
struct GpuSamples {
    std::vector<double> us;
    int throttled = 0;  ///< samples that do not count, because the clock was low; all count when there are no others

    double quantile(double share) const;
    double median() const { return quantile(.5); }
    /// Between the first and the third quartile, as a share of the median.
    double spread() const { return (quantile(.75) - quantile(.25)) / median(); }
    /// {"median_us", "min_us", "max_us", "spread", "samples", "throttled"}
    nlohmann::json json() const;
};

/// Measures on one stream of its device, which it makes the calling thread's current one.
class GpuHarness {
public:
    using Work = std::function<void(cudaStream_t)>;

    explicit GpuHarness(int device);

    /// Runs each of `works` `warmup` times, then takes turns among them for `rounds` rounds. Samples at a low clock are
    /// taken again, up to as many as were asked for. Work must only enqueue; std::runtime_error when it waits.
    std::vector<GpuSamples> measure(const std::vector<Work>& works, int warmup, int rounds);
    GpuSamples measure(const Work& work, int warmup, int rounds) {
        return measure(std::vector{work}, warmup, rounds).front();
    }

    /// A copy much larger than the L2: bytes read and written, per second.
    double copy_bytes_per_second();
    const DeviceInfo& device() const { return device_; }
    Patience& patience() { return patience_; }
    cudaStream_t stream() const { return stream_.get(); }
    /// What the figures belong to: the device, its clocks, what an empty measurement reads; model, input, precision.
    nlohmann::json facts(const Network& network, Precision precision);

private:
    struct Sample {
        double us, mhz;
    };
    Sample sample(const Work& work);

    DeviceInfo device_;
    Patience patience_;
    DeviceScope scope_;
    CudaStream stream_;
    CudaEvent start_, stop_;
    DeviceBuffer flush_;
    PinnedBuffer gate_memory_;
    Gate* gate_;
    double top_mhz_ = 0;  // the highest clock seen
};

}  // namespace convoy::bench
