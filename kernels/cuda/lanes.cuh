// SPDX-License-Identifier: MIT
//
// Neighbouring channels in a thread's registers: as floats, moved in accesses of up to 16 bytes.
#pragma once

#include <cuda_fp16.h>

#include <cstring>
#include <type_traits>

#include "kernels/cuda/activation.cuh"

namespace convoy::kernels::cuda {

/// N channels as one access moves them. A struct of T would be moved element by element.
template <typename T, int N>
using Lanes = std::conditional_t<N * sizeof(T) == 16, uint4, std::conditional_t<N * sizeof(T) == 8, uint2, unsigned>>;

/// By value: a reference into memory would be read byte by byte.
template <typename T, int N>
__device__ __forceinline__ void to_floats(Lanes<T, N> from, float (&to)[N]) {
    static_assert(sizeof from == N * sizeof(T));
    if constexpr (std::is_same_v<T, __half>) {
        __half2 pairs[N / 2];
        std::memcpy(pairs, &from, sizeof from);
#pragma unroll
        for (int i = 0; i < N; ++i) to[i] = i % 2 ? __high2float(pairs[i / 2]) : __low2float(pairs[i / 2]);
    } else {
        std::memcpy(to, &from, sizeof from);
    }
}

template <typename T, int N>
__device__ __forceinline__ void load(const T* from, float (&to)[N]) {
    to_floats<T>(*reinterpret_cast<const Lanes<T, N>*>(from), to);
}

template <typename T, int N>
__device__ __forceinline__ void store(T* to, const float (&from)[N]) {
    Lanes<T, N> out;
    static_assert(sizeof out == N * sizeof(T));
    if constexpr (std::is_same_v<T, __half>) {
        __half2 pairs[N / 2];
#pragma unroll
        for (int i = 0; i < N / 2; ++i) pairs[i] = __floats2half2_rn(from[2 * i], from[2 * i + 1]);
        std::memcpy(&out, pairs, sizeof out);
    } else {
        std::memcpy(&out, from, sizeof out);
    }
    *reinterpret_cast<Lanes<T, N>*>(to) = out;
}

template <int M, int N>
__device__ __forceinline__ void activate(Activation a, float (&v)[M][N]) {
    activate_all<M * N>(a, [&](int i) -> float& { return v[i / N][i % N]; });
}

}  // namespace convoy::kernels::cuda
