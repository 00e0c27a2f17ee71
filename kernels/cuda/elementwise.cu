// SPDX-License-Identifier: MIT
//
// Element-wise passes, bound by memory: each is one read of its inputs and one write of its output.
#include "kernels/elementwise.h"

#include "kernels/cuda/activation.cuh"
#include "kernels/cuda/map.cuh"

namespace convoy::kernels::cuda {
namespace {

template <typename T, bool ALIGNED>
struct Activate {
    Activation activation;
    Pixels<T> x;

    __device__ Vector<T> operator()(int image, unsigned pixel, int lane) const {
        Vector<T> v = x.template at<ALIGNED>(std::size_t(image) * x.h * x.w + pixel, lane);
#pragma unroll
        for (float& f : v.lane) f = activated(activation, f);
        return v;
    }
};

template <typename T, bool ALIGNED>
struct Add {
    Activation activation;
    Pixels<T> a, b;

    __device__ Vector<T> operator()(int image, unsigned pixel, int lane) const {
        const std::size_t i = std::size_t(image) * a.h * a.w + pixel;
        Vector<T> v = a.template at<ALIGNED>(i, lane), w{};
        if (lane < b.c) w = b.template at<ALIGNED>(i, lane);
#pragma unroll
        for (int k = 0; k < kLanes<T>; ++k)
            v.lane[k] = activated(activation, lane + k < b.c ? v.lane[k] + w.lane[k] : v.lane[k]);
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
    const auto make = [&]<typename T, bool ALIGNED>() { return Activate<T, ALIGNED>{a, Pixels<T>(x)}; };
    launch_map(make, aligned(x) && aligned(y), y, stream);
}

void add(Activation activation, const DeviceTensor& a, const DeviceTensor& b, const DeviceTensor& y, Stream stream) {
    const auto make = [&]<typename T, bool ALIGNED>() {
        return Add<T, ALIGNED>{activation, Pixels<T>(a), Pixels<T>(b)};
    };
    launch_map(make, aligned(a) && aligned(b) && aligned(y), y, stream);
}

void scale_bias(const float* scale, const float* bias, const DeviceTensor& x, const DeviceTensor& y, Stream stream) {
    const auto make = [&]<typename T, bool ALIGNED>() { return ScaleBias<T, ALIGNED>{scale, bias, Pixels<T>(x)}; };
    launch_map(make, aligned(x) && aligned(y), y, stream);
}

void copy(const DeviceTensor& x, const DeviceTensor& y, Stream stream) { activate(Activation::linear, x, y, stream); }

}  // namespace convoy::kernels::cuda
