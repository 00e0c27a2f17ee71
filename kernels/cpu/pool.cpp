// SPDX-License-Identifier: MIT
#include "kernels/pool.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <algorithm>
#include <cfloat>
#include <cstdint>

namespace convoy::kernels::cpu {

namespace {

/// The part of a pixel's window that lies inside: `rows` times `columns` pixels.
template <typename T>
struct Inside {
    const T* first;
    int rows, columns, channels;
    std::ptrdiff_t row_step, pixel_step;
};

template <typename Larger, typename T>
void largest(const Inside<T>& window, T lowest, Larger larger, T* out) {
    std::fill_n(out, window.channels, lowest);
    for (int r = 0; r < window.rows; ++r)
        for (int s = 0; s < window.columns; ++s) {
            const T* in = window.first + r * window.row_step + s * window.pixel_step;
#pragma omp simd
            for (int c = 0; c < window.channels; ++c) out[c] = larger(in[c], out[c]) ? in[c] : out[c];
        }
}

void largest(const Inside<float>& window, float* out) {
    largest(
        window, -FLT_MAX, [](float a, float b) { return a > b; }, out);
}

constexpr Bf16 kLowest{0xff7f};

#ifdef __x86_64__
/// A bf16 as an integer that compares as it does, and back: of negative ones all bits but the sign are turned.
[[gnu::target("avx512bw")]] __m512i turned(__m512i x) {
    return _mm512_xor_si512(x, _mm512_and_si512(_mm512_srai_epi16(x, 15), _mm512_set1_epi16(0x7fff)));
}

[[gnu::target("avx512bw")]] void largest_avx512(const Inside<Bf16>& window, Bf16* out) {
    constexpr int kLanes = 32;
    for (int c = 0; c < window.channels; c += kLanes) {
        const int left = window.channels - c;
        const __mmask32 lanes = left >= kLanes ? ~__mmask32(0) : (__mmask32(1) << left) - 1;
        __m512i most = turned(_mm512_set1_epi16(std::int16_t(kLowest.bits)));
        for (int r = 0; r < window.rows; ++r)
            for (int s = 0; s < window.columns; ++s) {
                const Bf16* in = window.first + r * window.row_step + s * window.pixel_step + c;
                most = _mm512_max_epi16(most, turned(_mm512_maskz_loadu_epi16(lanes, in)));
            }
        _mm512_mask_storeu_epi16(out + c, lanes, turned(most));
    }
}
#endif

void largest(const Inside<Bf16>& window, Bf16* out) {
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512bw")) return largest_avx512(window, out);
#endif
    largest(
        window, kLowest, [](Bf16 a, Bf16 b) { return to_float(a) > to_float(b); }, out);
}

template <typename T>
void maxpool_all(int size, int stride_h, int stride_w, int padding, View<const T> x, View<T> y) {
#pragma omp parallel for collapse(3)
    for (int n = 0; n < y.n; ++n)
        for (int row = 0; row < y.h; ++row)
            for (int column = 0; column < y.w; ++column) {
                const int top = row * stride_h - padding / 2, left = column * stride_w - padding / 2;
                const int first_row = std::max(top, 0), first_column = std::max(left, 0);
                const int rows = std::min(top + size, x.h) - first_row;
                const int columns = std::min(left + size, x.w) - first_column;
                largest(Inside<T>{rows > 0 && columns > 0 ? x.at(n, first_row, first_column) : x.data, rows, columns,
                                  y.c, std::ptrdiff_t(x.w) * x.pitch, x.pitch},
                        y.at(n, row, column));
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
