// SPDX-License-Identifier: MIT
#pragma once

#include "kernels/types.h"

namespace convoy::kernels {
namespace cpu {

/// Nearest neighbour: y (N, H·stride, W·stride, C) = scale · x (N, H, W, C). Views may be slices, so that an upsample
/// writes straight into its part of a concatenated tensor.
void upsample(int stride, float scale, ConstTensor x, Tensor y);
void upsample(int stride, float scale, ConstBf16Tensor x, Bf16Tensor y);

}  // namespace cpu

/// The same on device tensors of one type. Enqueued only; std::runtime_error when CUDA refuses.
namespace cuda {

void upsample(int stride, float scale, const DeviceTensor& x, const DeviceTensor& y, Stream stream);

}  // namespace cuda
}  // namespace convoy::kernels
