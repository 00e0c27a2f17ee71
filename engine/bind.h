// SPDX-License-Identifier: MIT
//
// From what was asked for to what is there.
#pragma once

#include <string>
#include <vector>

#include "engine/cuda/gpu.h"

namespace convoy {

/// The devices that `options.device` means: CUDA numbers of GPUs, or none: CPUs.
struct DeviceChoice {
    std::vector<int> gpus;
    std::vector<int> cpus;              ///< numbers of CPU devices, which share the cores
    std::string why_no_gpu;             ///< where auto takes the CPU although this build has the CUDA backend
    std::vector<std::string> unusable;  ///< GPUs that auto and cuda leave out, a sentence each
};

/// Throws Error(usage) for what is no device, Error(unsupported) for one that is not there or for a precision that it
/// does not have.
DeviceChoice choose_devices(const EngineOptions& options);

/// The first GPU of choose_devices(), where the CPU will not do: Error(unsupported) then.
int choose_gpu(const EngineOptions& options);

/// How to compile for the backends. Where no batch was asked for, the CPU's is chosen for its threads.
CompileOptions cpu_compile_options(const EngineOptions& options);
CompileOptions cuda_compile_options(const EngineOptions& options, Precision precision);

/// A plan for these GPUs that keeps to EngineOptions::gpu_memory. Throws Error(unsupported) where none does.
Plan compile_for_gpus(const Network& network, const EngineOptions& options, Precision precision,
                      const std::vector<int>& gpus);

/// A network made ready to run on one device.
struct BoundDevice {
    std::string name;  ///< "cuda:0", "cpu", "cpu:1"
    int gpu = -1;      ///< its CUDA number; -1: a CPU
    std::unique_ptr<Backend> backend;
    std::vector<int> cpus;  ///< near the GPU, where only some are
};
/// A device that was asked for and cannot be used.
struct FailedDevice {
    std::string name, why;
};
/// On all that `options` asks for.
struct BoundEngine {
    std::vector<BoundDevice> devices;  ///< at least one
    std::vector<FailedDevice> failed;
    int max_batch = 1;
    std::vector<std::string> notes;  ///< see GpuBackend::notes()
    std::string replication;         ///< how the weights got to the other GPUs: "by ncclBroadcast"
    double replication_s = 0;
};
/// Weights are packed once for all GPUs, kernels chosen once for each kind of GPU.
BoundEngine bind(const Network& network, const EngineOptions& options);
/// On one GPU, or Error(unsupported).
std::unique_ptr<GpuBackend> bind_gpu(const Network& network, const EngineOptions& options);

}  // namespace convoy
