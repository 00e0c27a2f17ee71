// SPDX-License-Identifier: MIT
#include "engine/cuda/device.h"

#include <cuda_runtime_api.h>

#include "engine/backend.h"
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
    return {0, true, std::string("no NVIDIA driver that serves (") + cudaGetErrorString(status) + ")"};
}

std::string cuda_why_unusable(int device) {
    try {
        const DeviceInfo info = device_info(device);
        const DeviceScope scope(device);
        if (kernels::cuda::compiled_for_current_device()) return {};
        return "this build has no code for the " + info.name + " of compute capability " +
               std::to_string(info.caps.compute_capability / 10) + "." +
               std::to_string(info.caps.compute_capability % 10);
    } catch (const Error& e) {
        return e.what();
    }
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
    return {ordinal,
            prop.name,
            {prop.major * 10 + prop.minor, prop.multiProcessorCount, prop.sharedMemPerBlockOptin,
             std::size_t(prop.l2CacheSize)},
            prop.totalGlobalMem,
            "driver " + version_text(driver) + ", runtime " + version_text(runtime)};
}

}  // namespace convoy
