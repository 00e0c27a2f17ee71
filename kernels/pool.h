// SPDX-License-Identifier: MIT
#pragma once

#include "kernels/types.h"

namespace convoy::kernels {
namespace cpu {

/// Darknet's maxpool (maxpool_layer.c): window (i, j) covers rows i·stride_h - padding/2 … + size - 1, likewise
/// columns; `padding` is the total over both sides, what lies outside counts as -FLT_MAX.
/// y is (N, (H + padding - size)/stride_h + 1, …, C). Views may be slices.
void maxpool(int size, int stride_h, int stride_w, int padding, ConstTensor x, Tensor y);
void maxpool(int size, int stride_h, int stride_w, int padding, ConstBf16Tensor x, Bf16Tensor y);

/// Mean over the pixels of each window that lie inside (forward_local_avgpool_layer); windows as in maxpool().
void local_avgpool(int size, int stride_h, int stride_w, int padding, ConstTensor x, Tensor y);

/// Mean over all pixels of each channel; y is (N, 1, 1, C).
void avgpool(ConstTensor x, Tensor y);

}  // namespace cpu

/// The same on device tensors of one type. Enqueued only; std::runtime_error when CUDA refuses.
namespace cuda {

void maxpool(int size, int stride_h, int stride_w, int padding, const DeviceTensor& x, const DeviceTensor& y,
             Stream stream);
void local_avgpool(int size, int stride_h, int stride_w, int padding, const DeviceTensor& x, const DeviceTensor& y,
                   Stream stream);
void avgpool(const DeviceTensor& x, const DeviceTensor& y, Stream stream);

}  // namespace cuda
}  // namespace convoy::kernels
