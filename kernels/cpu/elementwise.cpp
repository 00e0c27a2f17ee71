// SPDX-License-Identifier: MIT
#include "kernels/elementwise.h"

#include <algorithm>
#include <cmath>

namespace convoy::kernels::cpu {
namespace {

float leaky(float x) { return x > 0 ? x : .1f * x; }
float relu(float x) { return x < 0 ? 0.f : x; }
float logistic(float x) { return 1.f / (1.f + std::exp(-x)); }
float swish(float x) { return x / (1.f + std::exp(-x)); }

/// x · tanh(log(1 + eˣ)), as a quotient of e^-|x| so that nothing overflows or cancels.
float mish(float x) {
    const float e = std::exp(-std::fabs(x));
    const float numerator = x > 0 ? 1 + 2 * e : e * (e + 2);
    return x * (numerator / (numerator + (x > 0 ? 2 * e * e : 2)));
}

/// Calls body(f) with the function of one float that `a` stands for, so that its loop is compiled for each.
template <typename Body>
void with_function(Activation a, Body body) {
    switch (a) {
        case Activation::linear:
            return body([](float x) { return x; });
        case Activation::leaky:
            return body([](float x) { return leaky(x); });
        case Activation::relu:
            return body([](float x) { return relu(x); });
        case Activation::logistic:
            return body([](float x) { return logistic(x); });
        case Activation::mish:
            return body([](float x) { return mish(x); });
        case Activation::swish:
            return body([](float x) { return swish(x); });
    }
}

}  // namespace

float activate(Activation a, float x) {
    float y = x;
    with_function(a, [&](auto f) { y = f(x); });
    return y;
}

void activate(Activation a, ConstTensor x, Tensor y) {
    with_function(a, [&](auto f) {
#pragma omp parallel for
        for (std::size_t i = 0; i < y.pixels(); ++i) {
            const float* in = x.pixel(i);
            float* out = y.pixel(i);
#pragma omp simd
            for (int c = 0; c < y.c; ++c) out[c] = f(in[c]);
        }
    });
}

void add(Activation activation, ConstTensor a, ConstTensor b, Tensor y) {
    const int both = std::min(a.c, b.c);
    with_function(activation, [&](auto f) {
#pragma omp parallel for
        for (std::size_t i = 0; i < y.pixels(); ++i) {
            const float *left = a.pixel(i), *right = b.pixel(i);
            float* out = y.pixel(i);
#pragma omp simd
            for (int c = 0; c < both; ++c) out[c] = f(left[c] + right[c]);
#pragma omp simd
            for (int c = both; c < a.c; ++c) out[c] = f(left[c]);
        }
    });
}

void scale_bias(const float* scale, const float* bias, ConstTensor x, Tensor y) {
#pragma omp parallel for
    for (std::size_t i = 0; i < y.pixels(); ++i) {
        const float* in = x.pixel(i);
        float* out = y.pixel(i);
#pragma omp simd
        for (int c = 0; c < y.c; ++c) out[c] = scale[c] * in[c] + bias[c];
    }
}

void copy(ConstTensor x, Tensor y) {
#pragma omp parallel for
    for (std::size_t i = 0; i < y.pixels(); ++i) std::copy_n(x.pixel(i), y.c, y.pixel(i));
}

}  // namespace convoy::kernels::cpu
