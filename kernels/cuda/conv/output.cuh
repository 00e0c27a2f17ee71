// SPDX-License-Identifier: MIT
//
// From sums to stored outputs: bias, activation, residual, activation, conversion, all on 16 bytes of neighbouring
// channels of one pixel.
#pragma once

#include "kernels/conv.h"
#include "kernels/cuda/fast_divmod.h"
#include "kernels/cuda/lanes.cuh"

namespace convoy::kernels::cuda {

/// Nearly every layer: linear (slope 1) or leaky, without a branch.
struct Sloped {
    float slope;  // up to 1
    static __host__ __device__ bool fits(Activation a) { return a == Activation::linear || a == Activation::leaky; }
    explicit __device__ Sloped(Activation a) : slope(a == Activation::leaky ? .1f : 1.f) {}
    template <int N>
    __device__ void operator()(float (&v)[N]) const {
#pragma unroll
        for (float& f : v) f = fmaxf(f, slope * f);
    }
};

/// What becomes of one launch's sums, and where.
struct ConvOutput {
    const float* bias;
    const void* residual;  // or null
    void* y;
    int k;                                  // output channels, packed
    int y_pitch, residual_pitch, upsample;  // residual_pitch: 0 without one
    Activation activation, after_residual;
    FastDivmod by_q;

    ConvOutput() = default;
    /// Without the pointers.
    explicit ConvOutput(const Conv& conv)
        : bias(nullptr),
          residual(nullptr),
          y(nullptr),
          k(conv.packed_k()),
          y_pitch(conv.y_pitch),
          residual_pitch(conv.problem.residual ? conv.residual_pitch : 0),
          upsample(conv.upsample),
          activation(conv.problem.activation),
          after_residual(conv.problem.residual ? conv.problem.after_residual : Activation::linear),
          by_q(conv.problem.q()) {}
    /// Where pixel m of (N, P, Q) goes: of 2x2 pixels in (N, 2P, 2Q) the first.
    __device__ int place(int m) const { return upsample == 2 ? 4 * m - 2 * by_q(m).remainder : m; }
    __host__ __device__ bool sloped() const { return Sloped::fits(activation) && Sloped::fits(after_residual); }
    void point_to(const ConvPointers& at) {
        bias = at.bias, residual = residual_pitch > 0 ? at.residual : nullptr, y = at.y;
    }
};

struct AnyActivation {
    Activation activation;
    explicit __device__ AnyActivation(Activation a) : activation(a) {}
    template <int N>
    __device__ void operator()(float (&v)[N]) const {
        activate_all<N>(activation, [&](int i) -> float& { return v[i]; });
    }
};

/// A thread's channels of any number of pixels.
template <typename T, typename Act>
struct ConvEpilogue {
    static constexpr int kLanes = 16 / sizeof(T);
    using Vector = uint4;

    const ConvOutput& p;
    int channel;  // the first of this thread's
    Act activation, after_residual;
    float bias[kLanes];

    __device__ ConvEpilogue(const ConvOutput& params, int first_channel)
        : p(params), channel(first_channel), activation(p.activation), after_residual(p.after_residual) {
#pragma unroll
        for (int i = 0; i < kLanes; i += 4) {
            const float4 four = *reinterpret_cast<const float4*>(p.bias + channel + i);
            bias[i] = four.x, bias[i + 1] = four.y, bias[i + 2] = four.z, bias[i + 3] = four.w;
        }
    }

    __device__ Vector residual(int m) const {
        const T* pixel = static_cast<const T*>(p.residual) + std::size_t(m) * p.residual_pitch;
        return *reinterpret_cast<const Vector*>(pixel + channel);
    }

    __device__ void store(int m, float (&v)[kLanes], const Vector& residual) const {
#pragma unroll
        for (int i = 0; i < kLanes; ++i) v[i] += bias[i];
        activation(v);
        if (p.residual) {
            float more[kLanes];
            to_floats<T>(residual, more);
#pragma unroll
            for (int i = 0; i < kLanes; ++i) v[i] += more[i];
            after_residual(v);
        }
        Vector out;
        cuda::store(reinterpret_cast<T*>(&out), v);
        T* y = static_cast<T*>(p.y) + std::size_t(p.place(m)) * p.y_pitch + channel;
        *reinterpret_cast<Vector*>(y) = out;
        if (p.upsample != 2) return;
        const std::size_t below = 2 * std::size_t(p.by_q.divisor()) * p.y_pitch;
        *reinterpret_cast<Vector*>(y + p.y_pitch) = out;
        *reinterpret_cast<Vector*>(y + below) = out;
        *reinterpret_cast<Vector*>(y + below + p.y_pitch) = out;
    }
};

}  // namespace convoy::kernels::cuda
