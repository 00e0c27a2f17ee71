// SPDX-License-Identifier: MIT
#include "kernels/channels.h"

#include <algorithm>
#include <cmath>

namespace convoy::kernels::cpu {

void softmax(int groups, float temperature, ConstTensor x, Tensor y) {
    const int count = x.c / groups;
#pragma omp parallel for
    for (std::size_t i = 0; i < y.pixels(); ++i)
        for (int g = 0; g < groups; ++g) {
            const float* in = x.pixel(i) + g * count;
            float* out = y.pixel(i) + g * count;
            const float largest = *std::max_element(in, in + count);
            float sum = 0;
            for (int c = 0; c < count; ++c) sum += out[c] = std::exp((in[c] - largest) / temperature);
            for (int c = 0; c < count; ++c) out[c] /= sum;
        }
}

void normalize_channels(Activation kind, ConstTensor x, Tensor y) {
    constexpr float kEpsilon = 1e-4f;
#pragma omp parallel for
    for (std::size_t i = 0; i < y.pixels(); ++i) {
        const float* in = x.pixel(i);
        float* out = y.pixel(i);
        const bool exponential = kind != Activation::normalize_channels;
        const float largest =
            kind == Activation::normalize_channels_softmax_maxval ? *std::max_element(in, in + x.c) : 0.f;
        float sum = kEpsilon;
        for (int c = 0; c < x.c; ++c) sum += out[c] = exponential ? std::exp(in[c] - largest) : std::max(in[c], 0.f);
        for (int c = 0; c < x.c; ++c) out[c] /= sum;
    }
}

void maxpool_depth(ConstTensor x, Tensor y) {
#pragma omp parallel for
    for (std::size_t i = 0; i < y.pixels(); ++i) {
        const float* in = x.pixel(i);
        float* out = y.pixel(i);
        std::copy_n(in, y.c, out);
        for (int c = y.c; c < x.c; ++c) out[c % y.c] = std::max(out[c % y.c], in[c]);
    }
}

}  // namespace convoy::kernels::cpu
