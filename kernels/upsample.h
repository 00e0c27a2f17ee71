// SPDX-License-Identifier: MIT
#pragma once

#include "kernels/types.h"

namespace convoy::kernels::cpu {

/// Nearest neighbour: y (N, H·stride, W·stride, C) = scale · x (N, H, W, C). Views may be slices, so that an upsample
/// writes straight into its part of a concatenated tensor.
void upsample(int stride, float scale, ConstTensor x, Tensor y);

}  // namespace convoy::kernels::cpu
