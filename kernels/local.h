// SPDX-License-Identifier: MIT
#pragma once

#include "kernels/types.h"

namespace convoy::kernels {

/// A convolution with weights of its own at every output pixel (local_layer.c).
struct Local {
    int size = 1, stride = 1, padding = 0;  ///< padding: on every side
};

namespace cpu {

/// y (N, P, Q, K) from x (N, H, W, C), `weights` (P, Q, K, C, size, size) and `bias` (K, P, Q), as Darknet stores them.
/// Views may be slices.
void local(const Local& problem, const float* weights, const float* bias, ConstTensor x, Tensor y);

}  // namespace cpu

/// The same on device tensors of one type; `weights` and `bias` are device memory. Enqueued only; std::runtime_error
/// when CUDA refuses.
namespace cuda {

void local(const Local& problem, const float* weights, const float* bias, const DeviceTensor& x, const DeviceTensor& y,
           Stream stream);

}  // namespace cuda
}  // namespace convoy::kernels
