// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace convoy::tools {

/// What a GPU says of itself; nothing where it does not.
struct GpuReading {
    std::string device;  ///< "cuda:0"
    std::optional<double> temperature_c, power_w;
    std::optional<double> busy, decoder_busy;  ///< shares of the time, whoever uses it
    std::optional<double> memory_used_bytes;
};

/// The GPUs of a run by NVIDIA's management library, NVML, which is opened at run time. From any thread.
class GpuSensors {
public:
    /// `gpus`: by CUDA's numbers, which the driver that this process uses maps to NVML's. Those that NVML does not know
    /// are left out; all of them where there is no NVML.
    explicit GpuSensors(const std::vector<int>& gpus);
    ~GpuSensors();
    GpuSensors(const GpuSensors&) = delete;
    GpuSensors& operator=(const GpuSensors&) = delete;

    /// Not older than a second.
    std::vector<GpuReading> read();

private:
    struct Nvml;
    struct Gpu {
        std::string device;
        void* handle = nullptr;
    };

    std::unique_ptr<const Nvml> nvml_;
    std::vector<Gpu> gpus_;
    std::mutex mutex_;
    std::chrono::steady_clock::time_point read_at_;
    std::vector<GpuReading> readings_;
};

}  // namespace convoy::tools
