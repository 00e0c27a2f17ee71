// SPDX-License-Identifier: MIT
#include "kernels/pool.h"

#include <algorithm>
#include <cfloat>
#include <cstdint>

namespace convoy::kernels::cpu {

namespace {

void take_larger(const float* x, float* most, int count) {
#pragma omp simd
    for (int c = 0; c < count; ++c) most[c] = x[c] > most[c] ? x[c] : most[c];
}
void begin(float* most, int count) { std::fill_n(most, count, -FLT_MAX); }
void end(float*, int) {}

/// A bf16 as an integer that compares as it does, and back: of negative ones all bits but the sign are turned.
std::int16_t turned(std::uint16_t bits) {
    const auto x = std::int16_t(bits);
    return std::int16_t(x ^ (x >> 15 & 0x7fff));
}
void take_larger(const Bf16* x, Bf16* most, int count) {
#pragma omp simd
    for (int c = 0; c < count; ++c) {
        const std::int16_t a = turned(x[c].bits), b = std::int16_t(most[c].bits);
        most[c].bits = std::uint16_t(a > b ? a : b);
    }
}
void begin(Bf16* most, int count) {
    constexpr std::uint16_t kLowest = 0xff7f;
    std::fill_n(most, count, Bf16{std::uint16_t(turned(kLowest))});
}
void end(Bf16* most, int count) {
#pragma omp simd
    for (int c = 0; c < count; ++c) most[c].bits = std::uint16_t(turned(most[c].bits));
}

template <typename T>
void maxpool_all(int size, int stride_h, int stride_w, int padding, View<const T> x, View<T> y) {
#pragma omp parallel for collapse(3)
    for (int n = 0; n < y.n; ++n)
        for (int row = 0; row < y.h; ++row)
            for (int column = 0; column < y.w; ++column) {
                const int top = row * stride_h - padding / 2, left = column * stride_w - padding / 2;
                const int bottom = std::min(top + size, x.h), right = std::min(left + size, x.w);
                T* out = y.at(n, row, column);
                begin(out, y.c);
                for (int r = std::max(top, 0); r < bottom; ++r)
                    for (int s = std::max(left, 0); s < right; ++s) take_larger(x.at(n, r, s), out, y.c);
                end(out, y.c);
            }
}

}  // namespace

void maxpool(int size, int stride_h, int stride_w, int padding, ConstTensor x, Tensor y) {
    maxpool_all(size, stride_h, stride_w, padding, x, y);
}
void maxpool(int size, int stride_h, int stride_w, int padding, ConstBf16Tensor x, Bf16Tensor y) {
    maxpool_all(size, stride_h, stride_w, padding, x, y);
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
