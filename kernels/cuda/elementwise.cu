// SPDX-License-Identifier: MIT
//
// Element-wise passes, bound by memory: each is one read of its inputs and one write of its output.
#include "kernels/elementwise.h"

#include "kernels/cuda/map.cuh"
#include "kernels/cuda/rare_activation.cuh"

namespace convoy::kernels::cuda {
namespace {

/// The common functions stay free of the others' code.
template <bool RARE>
__device__ __forceinline__ float any_activated(Activation a, float x) {
    if constexpr (RARE)
        return rarely_activated(a, x);
    else
        return activated(a, x);
}

template <typename T, bool ALIGNED, bool RARE>
struct Activate {
    Activation activation;
    Pixels<T> x;

    __device__ Vector<T> operator()(int image, unsigned pixel, int lane) const {
        Vector<T> v = x.template at<ALIGNED>(std::size_t(image) * x.h * x.w + pixel, lane);
#pragma unroll
        for (float& f : v.lane) f = any_activated<RARE>(activation, f);
        return v;
    }
};

template <typename T, bool ALIGNED, bool RARE>
struct Add {
    Activation activation;
    Pixels<T> a, b;

    __device__ Vector<T> operator()(int image, unsigned pixel, int lane) const {
        const std::size_t i = std::size_t(image) * a.h * a.w + pixel;
        Vector<T> v = a.template at<ALIGNED>(i, lane), w{};
        if (lane < b.c) w = b.template at<ALIGNED>(i, lane);
#pragma unroll
        for (int k = 0; k < kLanes<T>; ++k)
            v.lane[k] = any_activated<RARE>(activation, lane + k < b.c ? v.lane[k] + w.lane[k] : v.lane[k]);
        return v;
    }
};

template <typename T, bool ALIGNED>
struct Binarize {
    Pixels<T> x;

    __device__ Vector<T> operator()(int image, unsigned pixel, int lane) const {
        Vector<T> v = x.template at<ALIGNED>(std::size_t(image) * x.h * x.w + pixel, lane);
#pragma unroll
        for (int k = 0; k < kLanes<T>; ++k) v.lane[k] = lane + k >= x.c ? 0.f : v.lane[k] > 0 ? 1.f : -1.f;
        return v;
    }
};

template <typename T, bool ALIGNED>
struct Multiply {
    Activation activation;
    Pixels<T> a, b;

    __device__ Vector<T> operator()(int image, unsigned pixel, int lane) const {
        const std::size_t i = std::size_t(image) * a.h * a.w + pixel;
        Vector<T> v = a.template at<ALIGNED>(i, lane);
        const T* factors = b.data + (b.h * b.w == 1 ? std::size_t(image) : i) * b.pitch;
        for (int k = 0; k < kLanes<T> && lane + k < a.c; ++k)
            v.lane[k] = rarely_activated(activation, v.lane[k] * float(factors[b.c == 1 ? 0 : lane + k]));
        return v;
    }
};

template <typename T, bool ALIGNED>
struct ScaleBias {
    const float *scale, *bias;
    Pixels<T> x;

    __device__ Vector<T> operator()(int image, unsigned pixel, int lane) const {
        Vector<T> v = x.template at<ALIGNED>(std::size_t(image) * x.h * x.w + pixel, lane);
#pragma unroll
        for (int k = 0; k < kLanes<T>; ++k)
            if (lane + k < x.c) v.lane[k] = scale[lane + k] * v.lane[k] + bias[lane + k];
        return v;
    }
};

}  // namespace

void activate(Activation a, const DeviceTensor& x, const DeviceTensor& y, Stream stream) {
    const auto launch = [&]<bool RARE>() {
        const auto make = [&]<typename T, bool ALIGNED>() { return Activate<T, ALIGNED, RARE>{a, Pixels<T>(x)}; };
        launch_map(make, aligned(x) && aligned(y), y, stream);
    };
    is_fused(a) ? launch.template operator()<false>() : launch.template operator()<true>();
}

void add(Activation activation, const DeviceTensor& a, const DeviceTensor& b, const DeviceTensor& y, Stream stream) {
    const auto launch = [&]<bool RARE>() {
        const auto make = [&]<typename T, bool ALIGNED>() {
            return Add<T, ALIGNED, RARE>{activation, Pixels<T>(a), Pixels<T>(b)};
        };
        launch_map(make, aligned(a) && aligned(b) && aligned(y), y, stream);
    };
    is_fused(activation) ? launch.template operator()<false>() : launch.template operator()<true>();
}

void multiply(Activation activation, const DeviceTensor& a, const DeviceTensor& b, const DeviceTensor& y,
              Stream stream) {
    const auto make = [&]<typename T, bool ALIGNED>() {
        return Multiply<T, ALIGNED>{activation, Pixels<T>(a), Pixels<T>(b)};
    };
    launch_map(make, aligned(a) && aligned(y), y, stream);
}

void binarize(const DeviceTensor& x, const DeviceTensor& y, Stream stream) {
    const auto make = [&]<typename T, bool ALIGNED>() { return Binarize<T, ALIGNED>{Pixels<T>(x)}; };
    launch_map(make, aligned(x) && aligned(y), y, stream);
}

void scale_bias(const float* scale, const float* bias, const DeviceTensor& x, const DeviceTensor& y, Stream stream) {
    const auto make = [&]<typename T, bool ALIGNED>() { return ScaleBias<T, ALIGNED>{scale, bias, Pixels<T>(x)}; };
    launch_map(make, aligned(x) && aligned(y), y, stream);
}

void copy(const DeviceTensor& x, const DeviceTensor& y, Stream stream) { activate(Activation::linear, x, y, stream); }

}  // namespace convoy::kernels::cuda
