// SPDX-License-Identifier: MIT
//
// Element-wise passes for what no epilogue could take in.
#pragma once

#include "kernels/types.h"

namespace convoy::kernels::cpu {

/// One value through `a`, in float; the form that every other implementation is compared with.
float activate(Activation a, float x);

/// y = activation(x). In place when both views are the same.
void activate(Activation a, ConstTensor x, Tensor y);

/// y = activation(a + b). Where b has fewer channels than a, the rest of a passes unchanged; where it has more, its
/// surplus is not used (AlexeyAB's shortcut_layer.c). a, b and y have the same n, h, w; y may be a or b in place.
void add(Activation activation, ConstTensor a, ConstTensor b, Tensor y);

/// y = scale[c] x + bias[c]: batch norm that was not folded.
void scale_bias(const float* scale, const float* bias, ConstTensor x, Tensor y);

/// Copies x into y, which has the same n, h, w, c; either may be a slice.
void copy(ConstTensor x, Tensor y);

}  // namespace convoy::kernels::cpu
