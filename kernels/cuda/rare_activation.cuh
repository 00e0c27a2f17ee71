// SPDX-License-Identifier: MIT
//
// The activations that no convolution takes in, with the formulas of cpu::activate().
#pragma once

#include "kernels/cuda/activation.cuh"

namespace convoy::kernels::cuda {

__device__ __forceinline__ float rarely_activated(Activation a, float x) {
    switch (a) {
        case Activation::relu6:
            return x < 0 ? 0.f : x > 6 ? 6.f : x;
        case Activation::hard_mish:
            return x > 0 ? x : x <= -2 ? 0.f : x * (x / 2 + 1);
        case Activation::ramp:
            return x > 0 ? x + .1f * x : .1f * x;
        case Activation::relie:
            return x > 0 ? x : .01f * x;
        case Activation::elu:
            return x >= 0 ? x : expm1f(x);
        case Activation::selu:
            return 1.0507f * (x >= 0 ? x : 1.6732f * expm1f(x));
        case Activation::gelu: {
            const double d = x;  // an exponent that is large has to be exact
            return float(d / (1 + exp(-2 * (.797885 * d + .035677 * d * d * d))));
        }
        case Activation::tanh:
            return tanhf(x);
        case Activation::loggy:
            return tanhf(x / 2);
        case Activation::hardtan:
            return x < -1 ? -1.f : x > 1 ? 1.f : x;
        case Activation::lhtan:
            return x < 0 ? .001f * x : x > 1 ? .001f * (x - 1) + 1 : x;
        case Activation::plse:
            return x < -4 ? .01f * (x + 4) : x > 4 ? .01f * (x - 4) + 1 : .125f * x + .5f;
        case Activation::stair: {
            const float n = floorf(x);
            return n != 2 * floorf(n / 2) ? x + (floorf(x / 2) - n) : floorf(x / 2);
        }
        default:
            return activated(a, x);
    }
}

}  // namespace convoy::kernels::cuda
