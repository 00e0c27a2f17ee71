// SPDX-License-Identifier: MIT
#include "engine/cuda/device.h"

#include <cuda_runtime_api.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "engine/cuda/gpu.h"
#include "engine/cuda/handles.h"
#include "kernels/tuning.h"

namespace convoy {
namespace {

std::string version_text(int version) {
    return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

}  // namespace

GpuCount cuda_gpus() {
    int count = 0;
    const cudaError_t status = cudaGetDeviceCount(&count);
    if (status == cudaSuccess) return {count, true, count ? "" : "no GPU is visible"};
    static_cast<void>(cudaGetLastError());
    return {0, true, std::string("no usable NVIDIA driver (") + cudaGetErrorString(status) + ")"};
}

bool cuda_is_likely() {
    std::error_code none;
    return std::filesystem::exists("/proc/driver/nvidia/version", none);
}

std::string cuda_why_unusable(int device) {
    try {
        const DeviceInfo info = device_info(device);
        if (info.caps.compiled_for) return {};
        return "this build has no code for the " + info.name + " of compute capability " +
               std::to_string(info.caps.compute_capability / 10) + "." +
               std::to_string(info.caps.compute_capability % 10);
    } catch (const Error& e) {
        return e.what();
    }
}

// Linux lists them as ranges: "0-15,32-47".
std::vector<int> cpus_near_gpu(int gpu) {
    int node = -1;
    std::error_code other_nodes;
    const std::string nodes = "/sys/devices/system/node/node";
    if (cudaDeviceGetAttribute(&node, cudaDevAttrHostNumaId, gpu) != cudaSuccess || node < 0 ||
        !std::filesystem::exists(nodes + "1", other_nodes)) {
        static_cast<void>(cudaGetLastError());
        return {};
    }
    std::ifstream file(nodes + std::to_string(node) + "/cpulist");
    std::vector<int> cpus;
    for (std::string range; std::getline(file, range, ',');) {
        int first = 0, last = 0;
        const int read = std::sscanf(range.c_str(), "%d-%d", &first, &last);
        if (read < 1) return {};
        for (int cpu = first; cpu <= (read == 2 ? last : first); ++cpu) cpus.push_back(cpu);
    }
    return cpus;
}

DeviceInfo device_info(int ordinal) {
    const GpuCount gpus = cuda_gpus();
    if (ordinal < 0 || ordinal >= gpus.count)
        throw Error(ErrorKind::device,
                    "there is no GPU " + std::to_string(ordinal) + ": " +
                        (gpus.count ? "this machine shows " + std::to_string(gpus.count) : gpus.why_none));
    cudaDeviceProp prop{};
    int driver = 0, runtime = 0;
    cuda_check(cudaGetDeviceProperties(&prop, ordinal), "cudaGetDeviceProperties");
    cuda_check(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
    cuda_check(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
    const DeviceScope scope(ordinal);
    return {ordinal,
            prop.name,
            {prop.major * 10 + prop.minor, kernels::cuda::compiled_for(), prop.multiProcessorCount,
             prop.sharedMemPerBlockOptin, std::size_t(prop.l2CacheSize)},
            prop.totalGlobalMem,
            "driver " + version_text(driver) + ", runtime " + version_text(runtime)};
}

}  // namespace convoy
