// SPDX-License-Identifier: MIT
//
// Activations on the device, in float, with the formulas of cpu::activate(). Quotients are off by 2 units in the last
// place: the exact division would be a call.
#pragma once

#include "kernels/types.h"

namespace convoy::kernels::cuda {

/// The activation is the same for the whole launch: the branch is uniform and costs next to nothing beside the memory.
__device__ __forceinline__ float activated(Activation a, float x) {
    switch (a) {
        case Activation::linear:
            return x;
        case Activation::leaky:
            return x > 0 ? x : .1f * x;
        case Activation::relu:
            return x < 0 ? 0.f : x;
        case Activation::logistic:
            return __fdividef(1.f, 1.f + expf(-x));
        case Activation::swish:
            return __fdividef(x, 1.f + expf(-x));
        case Activation::mish: {
            // x · tanh(log(1 + eˣ)), as a quotient of e^-|x| so that nothing overflows or cancels.
            const float e = expf(-fabsf(x));
            const float numerator = x > 0 ? 1 + 2 * e : e * (e + 2);
            return x * __fdividef(numerator, numerator + (x > 0 ? 2 * e * e : 2));
        }
        default:  // no convolution is asked for it: rare_activation.cuh
            return x;
    }
}

}  // namespace convoy::kernels::cuda
