// SPDX-License-Identifier: MIT
//
// Activations on the device, in float, with the formulas of cpu::activate(). Powers and reciprocals are the hardware's,
// good to some units in the last place; it makes 16 of them per clock where it adds 128 times, so two values share a
// reciprocal.
#pragma once

#include "kernels/types.h"

namespace convoy::kernels::cuda {

/// 2^x; numbers below the normal ones count as 0.
__device__ __forceinline__ float power_of_two(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

__device__ __forceinline__ float reciprocal(float x) {
    float y;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

constexpr bool is_quotient(Activation a) {
    return a == Activation::logistic || a == Activation::swish || a == Activation::mish;
}

/// What x is multiplied by, or for logistic becomes: above / below, where below is from 1 to 2^61.
struct Quotient {
    float above, below;
};

template <Activation A>
__device__ __forceinline__ Quotient quotient(float x) {
    static_assert(is_quotient(A));
    constexpr float kLog2E = 1.44269504f;
    if constexpr (A == Activation::mish) {
        // tanh(log(1 + eˣ)), which is 1 from 20 on
        const float e = power_of_two(kLog2E * fminf(x, 20.f)), n = e * (e + 2);
        return {n, n + 2};
    }
    const float e = power_of_two(fminf(-kLog2E * x, 60.f));
    return {A == Activation::logistic && x != x ? x : 1.f, 1 + e};  // fminf() has lost what is no number
}

template <Activation A>
__device__ __forceinline__ float times(float x, float quotient) {
    return A == Activation::logistic ? quotient : x * quotient;
}

template <Activation A>
__device__ __forceinline__ float activated_quotient(float x) {
    const Quotient q = quotient<A>(x);
    return times<A>(x, q.above * reciprocal(q.below));
}

/// The two share a reciprocal, and so its rounding. Where tiles run on from one picture to the next, they are therefore
/// channels of one pixel: beside a pixel may lie one of the next picture, or none.
template <Activation A>
__device__ __forceinline__ void activate_pair(float& x, float& y) {
    const Quotient p = quotient<A>(x), q = quotient<A>(y);
    const float both = reciprocal(p.below * q.below);
    x = times<A>(x, p.above * (both * q.below));
    y = times<A>(y, q.above * (both * p.below));
}

/// The activation is the same for the whole launch: the branch is uniform and costs next to nothing beside the memory.
__device__ __forceinline__ float activated(Activation a, float x) {
    switch (a) {
        case Activation::linear:
            return x;
        case Activation::leaky:
            return fmaxf(x, .1f * x);
        case Activation::relu:
            return x < 0 ? 0.f : x;
        case Activation::logistic:
            return activated_quotient<Activation::logistic>(x);
        case Activation::swish:
            return activated_quotient<Activation::swish>(x);
        case Activation::mish:
            return activated_quotient<Activation::mish>(x);
        default:  // no convolution is asked for it: rare_activation.cuh
            return x;
    }
}

/// The N values at(0), at(1), …, with one branch for all.
template <int N, typename At>
__device__ __forceinline__ void activate_all(Activation a, At at) {
    const auto pairs = [&](auto activate) {
        static_assert(N % 2 == 0);
#pragma unroll
        for (int i = 0; i < N; i += 2) activate(at(i), at(i + 1));
    };
    switch (a) {
        case Activation::linear:
            return;
        case Activation::logistic:
            return pairs([](float& x, float& y) { activate_pair<Activation::logistic>(x, y); });
        case Activation::swish:
            return pairs([](float& x, float& y) { activate_pair<Activation::swish>(x, y); });
        case Activation::mish:
            return pairs([](float& x, float& y) { activate_pair<Activation::mish>(x, y); });
        case Activation::leaky:
#pragma unroll
            for (int i = 0; i < N; ++i) at(i) = activated(Activation::leaky, at(i));
            return;
        default:
#pragma unroll
            for (int i = 0; i < N; ++i) at(i) = activated(Activation::relu, at(i));
    }
}

}  // namespace convoy::kernels::cuda
