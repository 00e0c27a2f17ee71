// SPDX-License-Identifier: MIT
//
// Element-wise passes for what no epilogue could take in.
#pragma once

#include "kernels/types.h"

namespace convoy::kernels {
namespace cpu {

/// One value through `a`, one of kActivations, in float; the form that every other implementation is compared with.
float activate(Activation a, float x);

/// y = activation(x). In place when both views are the same.
void activate(Activation a, ConstTensor x, Tensor y);

/// y = activation(a + b). Where b has fewer channels than a, the rest of a passes unchanged; where it has more, its
/// surplus is not used (AlexeyAB's shortcut_layer.c). a, b and y have the same n, h, w; y may be a or b in place.
void add(Activation activation, ConstTensor a, ConstTensor b, Tensor y);

/// y = activation(a · b). a and y have the same shape; b as well, or one pixel (n, 1, 1, c), or one channel
/// (n, h, w, 1), which serve all pixels or channels. y may be a in place.
void multiply(Activation activation, ConstTensor a, ConstTensor b, Tensor y);

/// y = x > 0 ? 1 : -1 (binarize_cpu, convolutional_layer.c). In place when both views are the same.
void binarize(ConstTensor x, Tensor y);

/// y = scale[c] x + bias[c]: batch norm that was not folded.
void scale_bias(const float* scale, const float* bias, ConstTensor x, Tensor y);

/// The same on numbers of 16 bits, computed in float.
void activate(Activation a, ConstBf16Tensor x, Bf16Tensor y);
void add(Activation activation, ConstBf16Tensor a, ConstBf16Tensor b, Bf16Tensor y);
void add(Activation activation, ConstTensor a, ConstBf16Tensor b, Bf16Tensor y);
/// Copies x into y, which has the same n, h, w, c, from any type to any; either may be a slice.
void convert(const HostTensor& x, const HostTensor& y);

}  // namespace cpu

/// The same operations on device tensors of one type. Enqueued only; std::runtime_error when CUDA refuses.
namespace cuda {

void activate(Activation a, const DeviceTensor& x, const DeviceTensor& y, Stream stream);
void add(Activation activation, const DeviceTensor& a, const DeviceTensor& b, const DeviceTensor& y, Stream stream);
void multiply(Activation activation, const DeviceTensor& a, const DeviceTensor& b, const DeviceTensor& y,
              Stream stream);
void binarize(const DeviceTensor& x, const DeviceTensor& y, Stream stream);
/// `scale` and `bias` are device memory.
void scale_bias(const float* scale, const float* bias, const DeviceTensor& x, const DeviceTensor& y, Stream stream);
/// Slices may start at any channel here. As everywhere, what follows y's last channel up to the next 16 bytes is
/// written too: copies into neighbouring slices go in the order of their channels.
void copy(const DeviceTensor& x, const DeviceTensor& y, Stream stream);

}  // namespace cuda
}  // namespace convoy::kernels
