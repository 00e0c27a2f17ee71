// SPDX-License-Identifier: MIT
#include "kernels/upsample.h"

#include <algorithm>

namespace convoy::kernels::cpu {
namespace {

float scaled(float scale, float x) { return scale * x; }
Bf16 scaled(float scale, Bf16 x) { return to_bf16(scale * to_float(x)); }

template <typename T>
void upsample_all(int stride, float scale, View<const T> x, View<T> y) {
#pragma omp parallel for collapse(2)
    for (int n = 0; n < y.n; ++n)
        for (int row = 0; row < y.h; ++row)
            for (int column = 0; column < y.w; ++column) {
                const T* in = x.at(n, row / stride, column / stride);
                T* out = y.at(n, row, column);
                if (scale == 1) {
                    std::copy_n(in, y.c, out);
                    continue;
                }
#pragma omp simd
                for (int c = 0; c < y.c; ++c) out[c] = scaled(scale, in[c]);
            }
}

}  // namespace

void upsample(int stride, float scale, ConstTensor x, Tensor y) { upsample_all(stride, scale, x, y); }
void upsample(int stride, float scale, ConstBf16Tensor x, Bf16Tensor y) { upsample_all(stride, scale, x, y); }

}  // namespace convoy::kernels::cpu
