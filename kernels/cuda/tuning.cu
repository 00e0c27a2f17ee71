// SPDX-License-Identifier: MIT
//
// Noise to tune on, and the comparison with the oracle: both where the data is.
#include <cuda_fp16.h>

#include <algorithm>

#include "kernels/cuda/check.h"
#include "kernels/tuning.h"

namespace convoy::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kMaxBlocks = 4096;

int blocks_for(std::size_t items) { return int(std::min<std::size_t>(kMaxBlocks, (items + kThreads - 1) / kThreads)); }

template <typename T>
__global__ void noise(T* data, std::size_t count, std::uint32_t seed, float scale) {
    for (std::size_t i = std::size_t(blockIdx.x) * kThreads + threadIdx.x; i < count;
         i += std::size_t(gridDim.x) * kThreads) {
        std::uint32_t bits = std::uint32_t(i) * 2654435761u ^ std::uint32_t(i >> 32) ^ seed;
        bits ^= bits >> 16, bits *= 0x7feb352du, bits ^= bits >> 15, bits *= 0x846ca68bu, bits ^= bits >> 16;
        data[i] = T((float(bits >> 8) * 0x1p-23f - 1.f) * scale);
    }
}

template <typename T>
__global__ void compare(DeviceTensor actual, DeviceTensor expected, std::size_t count, float absolute, float relative,
                        float* worst) {
    float mine = 0;
    for (std::size_t i = std::size_t(blockIdx.x) * kThreads + threadIdx.x; i < count;
         i += std::size_t(gridDim.x) * kThreads) {
        const std::size_t pixel = i / unsigned(actual.c);
        const int c = int(i % unsigned(actual.c));
        const float a = float(static_cast<const T*>(actual.data)[pixel * actual.pitch + c]);
        const float e = float(static_cast<const T*>(expected.data)[pixel * expected.pitch + c]);
        const float share = fabsf(a - e) / (absolute + relative * fabsf(e));
        mine = isfinite(share) ? fmaxf(mine, share) : INFINITY;
    }
    // Floats that are not negative compare as their bits do.
    atomicMax(reinterpret_cast<int*>(worst), __float_as_int(mine));
}

}  // namespace

bool compiled_for_current_device() {
    cudaFuncAttributes attributes;
    const bool found = cudaFuncGetAttributes(&attributes, noise<float>) == cudaSuccess;
    if (!found) static_cast<void>(cudaGetLastError());
    return found;
}

void fill_noise(void* data, DataType type, std::size_t count, std::uint32_t seed, float scale, Stream stream) {
    if (type == DataType::fp16)
        noise<<<blocks_for(count), kThreads, 0, stream>>>(static_cast<__half*>(data), count, seed, scale);
    else
        noise<<<blocks_for(count), kThreads, 0, stream>>>(static_cast<float*>(data), count, seed, scale);
    check_launch("fill_noise");
}

void worst_error(const DeviceTensor& actual, const DeviceTensor& expected, float absolute, float relative, float* worst,
                 Stream stream) {
    const std::size_t count = actual.pixels() * std::size_t(actual.c);
    if (actual.type == DataType::fp16)
        compare<__half><<<blocks_for(count), kThreads, 0, stream>>>(actual, expected, count, absolute, relative, worst);
    else
        compare<float><<<blocks_for(count), kThreads, 0, stream>>>(actual, expected, count, absolute, relative, worst);
    check_launch("worst_error");
}

}  // namespace convoy::kernels::cuda
