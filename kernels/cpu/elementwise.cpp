// SPDX-License-Identifier: MIT
#include "kernels/elementwise.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

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

float hard_mish(float x) { return x > 0 ? x : x <= -2 ? 0.f : x * (x / 2 + 1); }
float elu(float x) { return x >= 0 ? x : std::expm1(x); }

/// In double: the exponent is large.
float gelu(float x) {
    const double d = x;
    return float(d / (1 + std::exp(-2 * (.797885 * d + .035677 * d * d * d))));
}

float stair(float x) {
    const float n = std::floor(x);
    return n != 2 * std::floor(n / 2) ? x + (std::floor(x / 2) - n) : std::floor(x / 2);
}

/// with_function() for those that are rare.
template <typename Body>
void with_rare_function(Activation a, Body body) {
    switch (a) {
        case Activation::relu6:
            return body([](float x) { return x < 0 ? 0.f : x > 6 ? 6.f : x; });
        case Activation::hard_mish:
            return body([](float x) { return hard_mish(x); });
        case Activation::ramp:
            return body([](float x) { return x > 0 ? x + .1f * x : .1f * x; });
        case Activation::relie:
            return body([](float x) { return x > 0 ? x : .01f * x; });
        case Activation::elu:
            return body([](float x) { return elu(x); });
        case Activation::selu:
            return body([](float x) { return 1.0507f * (x >= 0 ? x : 1.6732f * std::expm1(x)); });
        case Activation::gelu:
            return body([](float x) { return gelu(x); });
        case Activation::tanh:
            return body([](float x) { return std::tanh(x); });
        case Activation::loggy:
            return body([](float x) { return std::tanh(x / 2); });
        case Activation::hardtan:
            return body([](float x) { return x < -1 ? -1.f : x > 1 ? 1.f : x; });
        case Activation::lhtan:
            return body([](float x) { return x < 0 ? .001f * x : x > 1 ? .001f * (x - 1) + 1 : x; });
        case Activation::plse:
            return body([](float x) { return x < -4 ? .01f * (x + 4) : x > 4 ? .01f * (x - 4) + 1 : .125f * x + .5f; });
        case Activation::stair:
            return body([](float x) { return stair(x); });
        default:
            throw std::invalid_argument("an activation of channels is no function of one value");
    }
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
        default:
            return with_rare_function(a, body);
    }
}

float load(float x) { return x; }
float load(Bf16 x) { return to_float(x); }
void store(float x, float& y) { y = x; }
void store(float x, Bf16& y) { y = to_bf16(x); }

template <typename T>
void activate_all(Activation a, View<const T> x, View<T> y) {
    with_function(a, [&](auto f) {
#pragma omp parallel for
        for (std::size_t i = 0; i < y.pixels(); ++i) {
            const T* in = x.pixel(i);
            T* out = y.pixel(i);
#pragma omp simd
            for (int c = 0; c < y.c; ++c) store(f(load(in[c])), out[c]);
        }
    });
}

template <typename A, typename T>
void add_all(Activation activation, View<const A> a, View<const T> b, View<T> y) {
    const int both = std::min(a.c, b.c);
    with_function(activation, [&](auto f) {
#pragma omp parallel for
        for (std::size_t i = 0; i < y.pixels(); ++i) {
            const A* left = a.pixel(i);
            const T* right = b.pixel(i);
            T* out = y.pixel(i);
#pragma omp simd
            for (int c = 0; c < both; ++c) store(f(load(left[c]) + load(right[c])), out[c]);
#pragma omp simd
            for (int c = both; c < a.c; ++c) store(f(load(left[c])), out[c]);
        }
    });
}

template <typename X, typename Y>
void convert_all(View<const X> x, View<Y> y) {
#pragma omp parallel for
    for (std::size_t i = 0; i < y.pixels(); ++i) {
        const X* in = x.pixel(i);
        Y* out = y.pixel(i);
#pragma omp simd
        for (int c = 0; c < y.c; ++c) store(load(in[c]), out[c]);
    }
}

template <typename T>
void copy_all(View<const T> x, View<T> y) {
#pragma omp parallel for
    for (std::size_t i = 0; i < y.pixels(); ++i) std::copy_n(x.pixel(i), y.c, y.pixel(i));
}

}  // namespace

float activate(Activation a, float x) {
    float y = x;
    with_function(a, [&](auto f) { y = f(x); });
    return y;
}

void activate(Activation a, ConstTensor x, Tensor y) { activate_all(a, x, y); }
void activate(Activation a, ConstBf16Tensor x, Bf16Tensor y) { activate_all(a, x, y); }

void add(Activation activation, ConstTensor a, ConstTensor b, Tensor y) { add_all(activation, a, b, y); }
void add(Activation activation, ConstBf16Tensor a, ConstBf16Tensor b, Bf16Tensor y) { add_all(activation, a, b, y); }
void add(Activation activation, ConstTensor a, ConstBf16Tensor b, Bf16Tensor y) { add_all(activation, a, b, y); }

void multiply(Activation activation, ConstTensor a, ConstTensor b, Tensor y) {
    const std::size_t pixels = std::size_t(a.h) * std::size_t(a.w);
    const bool one_pixel = b.h == 1 && b.w == 1, one_channel = b.c == 1;
    with_function(activation, [&](auto f) {
#pragma omp parallel for
        for (std::size_t i = 0; i < y.pixels(); ++i) {
            const float *in = a.pixel(i), *factors = b.pixel(one_pixel ? i / pixels : i);
            float* out = y.pixel(i);
            for (int c = 0; c < y.c; ++c) out[c] = f(in[c] * factors[one_channel ? 0 : c]);
        }
    });
}

void binarize(ConstTensor x, Tensor y) {
#pragma omp parallel for
    for (std::size_t i = 0; i < y.pixels(); ++i) {
        const float* in = x.pixel(i);
        float* out = y.pixel(i);
#pragma omp simd
        for (int c = 0; c < y.c; ++c) out[c] = in[c] > 0 ? 1.f : -1.f;
    }
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

void convert(const HostTensor& x, const HostTensor& y) {
    const bool from_floats = x.type == DataType::fp32, to_floats = y.type == DataType::fp32;
    if (from_floats && to_floats)
        copy_all<float>(x.floats(), y.floats());
    else if (from_floats)
        convert_all<float>(x.floats(), y.bf16());
    else if (to_floats)
        convert_all<Bf16>(x.bf16(), y.floats());
    else
        copy_all<Bf16>(x.bf16(), y.bf16());
}

}  // namespace convoy::kernels::cpu
