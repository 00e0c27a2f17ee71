// SPDX-License-Identifier: MIT
//
// From sums to y for kernels without tensor cores: 16 bytes of channels of neighbouring pixels per thread.
#pragma once

#include "kernels/conv.h"
#include "kernels/cuda/lanes.cuh"

namespace convoy::kernels::cuda {

/// sums[i]: channels k … of pixel first + i of (N, P, Q), bias included; stored for i < valid.
template <typename T, int PIXELS, int LANES>
__device__ __forceinline__ void finish(const Conv& conv, const ConvPointers& at, std::size_t first, int valid, int k,
                                       float (&sums)[PIXELS][LANES]) {
    using Vector = Lanes<T, LANES>;
    activate(conv.problem.activation, sums);
    if (conv.problem.residual) {
        const T* from = static_cast<const T*>(at.residual) + first * conv.residual_pitch + k;
        Vector residuals[PIXELS];  // all under way before the first is used
#pragma unroll
        for (int i = 0; i < PIXELS; ++i)
            residuals[i] = i < valid ? *reinterpret_cast<const Vector*>(from + i * conv.residual_pitch) : Vector{};
#pragma unroll
        for (int i = 0; i < PIXELS; ++i) {
            float residual[LANES];
            to_floats<T>(residuals[i], residual);
#pragma unroll
            for (int lane = 0; lane < LANES; ++lane) sums[i][lane] += residual[lane];
        }
        activate(conv.problem.after_residual, sums);
    }
    T* y = static_cast<T*>(at.y) + first * conv.y_pitch + k;
#pragma unroll
    for (int i = 0; i < PIXELS; ++i)
        if (i < valid) store(y + i * conv.y_pitch, sums[i]);
}

}  // namespace convoy::kernels::cuda
