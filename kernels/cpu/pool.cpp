// SPDX-License-Identifier: MIT
#include "kernels/pool.h"

#include <algorithm>
#include <cfloat>

namespace convoy::kernels::cpu {

void maxpool(int size, int stride_h, int stride_w, int padding, ConstTensor x, Tensor y) {
#pragma omp parallel for collapse(3)
    for (int n = 0; n < y.n; ++n)
        for (int row = 0; row < y.h; ++row)
            for (int column = 0; column < y.w; ++column) {
                const int top = row * stride_h - padding / 2, left = column * stride_w - padding / 2;
                const int bottom = std::min(top + size, x.h), right = std::min(left + size, x.w);
                float* out = y.at(n, row, column);
                std::fill_n(out, y.c, -FLT_MAX);
                for (int r = std::max(top, 0); r < bottom; ++r)
                    for (int s = std::max(left, 0); s < right; ++s) {
                        const float* in = x.at(n, r, s);
#pragma omp simd
                        for (int c = 0; c < y.c; ++c) out[c] = in[c] > out[c] ? in[c] : out[c];
                    }
            }
}

void local_avgpool(int size, int stride_h, int stride_w, int padding, ConstTensor x, Tensor y) {
#pragma omp parallel for collapse(3)
    for (int n = 0; n < y.n; ++n)
        for (int row = 0; row < y.h; ++row)
            for (int column = 0; column < y.w; ++column) {
                const int top = row * stride_h - padding / 2, left = column * stride_w - padding / 2;
                const int first_row = std::max(top, 0), last_row = std::min(top + size, x.h);
                const int first_column = std::max(left, 0), last_column = std::min(left + size, x.w);
                float* out = y.at(n, row, column);
                std::fill_n(out, y.c, 0.f);
                for (int r = first_row; r < last_row; ++r)
                    for (int s = first_column; s < last_column; ++s)
                        for (int c = 0; c < y.c; ++c) out[c] += x.at(n, r, s)[c];
                const auto count = float((last_row - first_row) * (last_column - first_column));
                for (int c = 0; c < y.c; ++c) out[c] /= count;
            }
}

void avgpool(ConstTensor x, Tensor y) {
    const int pixels = x.h * x.w;
#pragma omp parallel for
    for (int n = 0; n < x.n; ++n) {
        float* out = y.at(n, 0, 0);
        std::fill_n(out, y.c, 0.f);
        for (int i = 0; i < pixels; ++i) {
            const float* in = x.pixel(std::size_t(n) * pixels + i);
#pragma omp simd
            for (int c = 0; c < y.c; ++c) out[c] += in[c];
        }
        for (int c = 0; c < y.c; ++c) out[c] /= float(pixels);
    }
}

}  // namespace convoy::kernels::cpu
