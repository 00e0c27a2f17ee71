// SPDX-License-Identifier: MIT
//
// What looks at all channels of a pixel: softmax, the normalising activations, and the maximum over channels.
#pragma once

#include "kernels/types.h"

namespace convoy::kernels {
namespace cpu {

/// y = exp(x / temperature) / their sum over each of `groups` equal parts of a pixel's channels. In place when both
/// views are the same.
void softmax(int groups, float temperature, ConstTensor x, Tensor y);

/// One of kChannelActivations (activations.c). In place when both views are the same.
void normalize_channels(Activation kind, ConstTensor x, Tensor y);

/// Channel k of y is the largest of x's channels k, k + y.c, k + 2 y.c, … (maxpool_layer.c with maxpool_depth).
void maxpool_depth(ConstTensor x, Tensor y);

}  // namespace cpu

/// The same on device tensors of one type. Enqueued only; std::runtime_error when CUDA refuses.
namespace cuda {

void softmax(int groups, float temperature, const DeviceTensor& x, const DeviceTensor& y, Stream stream);
void normalize_channels(Activation kind, const DeviceTensor& x, const DeviceTensor& y, Stream stream);
void maxpool_depth(const DeviceTensor& x, const DeviceTensor& y, Stream stream);

}  // namespace cuda
}  // namespace convoy::kernels
