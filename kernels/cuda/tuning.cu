// SPDX-License-Identifier: MIT
//
// Noise to tune on, and the comparison with the oracle: both where the data is.
#include <cuda_fp16.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "kernels/cuda/check.h"
#include "kernels/tuning.h"

namespace convoy::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kMaxBlocks = 4096;

int blocks_for(std::size_t items) { return int(std::min<std::size_t>(kMaxBlocks, (items + kThreads - 1) / kThreads)); }

template <typename T>
__global__ void noise(T* data, GuardedSlice where, std::uint32_t seed, float scale) {
    for (std::size_t i = std::size_t(blockIdx.x) * kThreads + threadIdx.x; i < where.elements();
         i += std::size_t(gridDim.x) * kThreads) {
        if (where.part(i) == GuardedSlice::Part::foreign) continue;
        std::uint32_t bits = std::uint32_t(i) * 2654435761u ^ std::uint32_t(i >> 32) ^ seed;
        bits ^= bits >> 16, bits *= 0x7feb352du, bits ^= bits >> 15, bits *= 0x846ca68bu, bits ^= bits >> 16;
        data[i] = T((float(bits >> 8) * 0x1p-23f - 1.f) * scale);
    }
}

template <typename T>
__device__ bool is_poison(T value) {
    std::conditional_t<sizeof(T) == 2, std::uint16_t, std::uint32_t> bits;
    std::memcpy(&bits, &value, sizeof value);
    return bits == decltype(bits)(~0u);  // every byte is kPoison
}

template <typename T>
__global__ void compare(const T* actual, const T* expected, GuardedSlice where, float absolute, float relative,
                        OutputFaults* faults) {
    using Part = GuardedSlice::Part;
    float worst = 0;
    unsigned surplus = 0, foreign = 0;
    for (std::size_t i = std::size_t(blockIdx.x) * kThreads + threadIdx.x; i < where.elements();
         i += std::size_t(gridDim.x) * kThreads) {
        const Part part = where.part(i);
        if (part == Part::foreign) {
            foreign += !is_poison(actual[i]);
        } else if (part == Part::surplus) {
            surplus += !isfinite(float(actual[i]));
        } else {
            const float a = float(actual[i]), e = float(expected[i]);
            const float share = fabsf(a - e) / (absolute + relative * fabsf(e));
            worst = isfinite(share) ? fmaxf(worst, share) : INFINITY;
        }
    }
    // Floats that are not negative compare as their bits do.
    if (worst > 0) atomicMax(reinterpret_cast<int*>(&faults->worst), __float_as_int(worst));
    if (surplus) atomicAdd(&faults->surplus, surplus);
    if (foreign) atomicAdd(&faults->foreign, foreign);
}

}  // namespace

int compiled_for() {
    cudaFuncAttributes attributes;
    if (cudaFuncGetAttributes(&attributes, noise<float>) == cudaSuccess) return attributes.ptxVersion;
    static_cast<void>(cudaGetLastError());
    return 0;
}

void fill_noise(void* data, DataType type, const GuardedSlice& where, std::uint32_t seed, float scale, Stream stream) {
    const int blocks = blocks_for(where.elements());
    if (type == DataType::fp16)
        noise<<<blocks, kThreads, 0, stream>>>(static_cast<__half*>(data), where, seed, scale);
    else
        noise<<<blocks, kThreads, 0, stream>>>(static_cast<float*>(data), where, seed, scale);
    check_launch("fill_noise");
}

void find_faults(const void* actual, const void* expected, DataType type, const GuardedSlice& where, float absolute,
                 float relative, OutputFaults* faults, Stream stream) {
    const int blocks = blocks_for(where.elements());
    if (type == DataType::fp16)
        compare<<<blocks, kThreads, 0, stream>>>(static_cast<const __half*>(actual),
                                                 static_cast<const __half*>(expected), where, absolute, relative,
                                                 faults);
    else
        compare<<<blocks, kThreads, 0, stream>>>(static_cast<const float*>(actual), static_cast<const float*>(expected),
                                                 where, absolute, relative, faults);
    check_launch("find_faults");
}

}  // namespace convoy::kernels::cuda
