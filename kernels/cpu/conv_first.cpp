// SPDX-License-Identifier: MIT
//
// A network's first layer in bf16: pictures of few channels in fp32. Every number of a pixel's window is multiplied
// with the weights of 16 or 32 filters at once; sums of eight pixels stay in registers until they are rounded and
// written.
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <algorithm>
#include <array>
#include <vector>

#include "kernels/conv.h"

namespace convoy::kernels::cpu {
namespace {

constexpr int kLanes = 16, kPixels = 8, kMostChannels = 4, kMostRows = 7;

/// The rows of a window, each from its first number on; the next pixel's begin `step` numbers later.
struct Window {
    std::array<const float*, kMostRows> rows;
    int count, numbers, step;
};

#ifdef __x86_64__
#define CONVOY_AVX512_BF16 [[gnu::target("avx512f,avx512bw,avx512vl,avx512bf16")]]

CONVOY_AVX512_BF16 inline __m512 activated(Activation a, __m512 x) {
    const __m512 zero{};
    if (a == Activation::leaky) return x > zero ? x : x * .1f;
    return a == Activation::relu ? (x < zero ? zero : x) : x;
}

/// `pixels` of them, `vectors` of filters. `weights` and `y` are those of the first of these filters, of k in all.
template <int pixels, int vectors>
CONVOY_AVX512_BF16 void compute(const Window& window, const float* weights, int k, const float* bias, Activation a,
                                Bf16* y) {
    __m512 sums[pixels][vectors];
    for (int p = 0; p < pixels; ++p)
        for (int v = 0; v < vectors; ++v) sums[p][v] = _mm512_loadu_ps(bias + v * kLanes);
    for (int r = 0; r < window.count; ++r)
        for (int i = 0; i < window.numbers; ++i, weights += k) {
            __m512 w[vectors];
            for (int v = 0; v < vectors; ++v) w[v] = _mm512_loadu_ps(weights + v * kLanes);
            for (int p = 0; p < pixels; ++p) {
                const __m512 x = _mm512_set1_ps(window.rows[std::size_t(r)][p * window.step + i]);
                for (int v = 0; v < vectors; ++v) sums[p][v] = _mm512_fmadd_ps(x, w[v], sums[p][v]);
            }
        }
    for (int p = 0; p < pixels; ++p)
        for (int v = 0; v < vectors; ++v)
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(y + p * k + v * kLanes),
                                reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(activated(a, sums[p][v]))));
}

#else
template <int, int>
void compute(const Window&, const float*, int, const float*, Activation, Bf16*) {}  // supports() refuses all
#endif

/// One row of y.
class Row {
public:
    Row(const ConvProblem& problem, const float* weights, const float* bias)
        : p_(problem),
          weights_(weights),
          bias_(bias),
          zeros_(std::size_t(p_.w) * std::size_t(p_.c)),
          edge_(std::size_t(p_.r * p_.s * p_.c)) {}

    void compute(const float* picture, int row, Bf16* y) {
        const int top = row * p_.stride_h - p_.pad_h;
        for (int r = 0; r < p_.r; ++r) {
            const bool inside = top + r >= 0 && top + r < p_.h;
            rows_[std::size_t(r)] = inside ? picture + std::ptrdiff_t(top + r) * p_.w * p_.c : zeros_.data();
        }
        // Columns whose windows lie within the picture.
        const int first = std::min((p_.pad_w + p_.stride_w - 1) / p_.stride_w, p_.q());
        const int last = std::clamp((p_.w + p_.pad_w - p_.s) / p_.stride_w + 1, first, p_.q());
        int column = 0;
        for (; column < first; ++column) at_edge(column, y);
        for (; column + kPixels <= last; column += kPixels) within<kPixels>(column, y);
        for (; column < last; ++column) within<1>(column, y);
        for (; column < p_.q(); ++column) at_edge(column, y);
    }

private:
    template <int pixels>
    void within(int column, Bf16* y) const {
        Window window{{}, p_.r, p_.s * p_.c, p_.stride_w * p_.c};
        const std::ptrdiff_t left = std::ptrdiff_t(column) * p_.stride_w - p_.pad_w;
        for (std::size_t r = 0; r < std::size_t(p_.r); ++r) window.rows[r] = rows_[r] + left * p_.c;
        filters<pixels>(window, y + std::ptrdiff_t(column) * p_.k);
    }

    void at_edge(int column, Bf16* y) {
        Window window{{}, p_.r, p_.s * p_.c, 0};
        float* to = edge_.data();
        for (std::size_t r = 0; r < std::size_t(p_.r); ++r) {
            window.rows[r] = to;
            for (int s = 0; s < p_.s; ++s, to += p_.c) {
                const int x = column * p_.stride_w - p_.pad_w + s;
                if (x >= 0 && x < p_.w)
                    std::copy_n(rows_[r] + std::ptrdiff_t(x) * p_.c, p_.c, to);
                else
                    std::fill_n(to, p_.c, 0.f);
            }
        }
        filters<1>(window, y + std::ptrdiff_t(column) * p_.k);
    }

    template <int pixels>
    void filters(const Window& window, Bf16* y) const {
        int k = 0;
        for (; k + 2 * kLanes <= p_.k; k += 2 * kLanes)
            cpu::compute<pixels, 2>(window, weights_ + k, p_.k, bias_ + k, p_.activation, y + k);
        if (k < p_.k) cpu::compute<pixels, 1>(window, weights_ + k, p_.k, bias_ + k, p_.activation, y + k);
    }

    const ConvProblem& p_;
    const float *weights_, *bias_;
    std::vector<float> zeros_, edge_;  // a row outside of the picture; a window that lies in part outside
    std::array<const float*, kMostRows> rows_{};
};

}  // namespace

bool ConvFirst::supports(const ConvProblem& p, ConvTypes types) {
    const bool simple =
        p.activation == Activation::linear || p.activation == Activation::leaky || p.activation == Activation::relu;
    return types.x == DataType::fp32 && types.y == DataType::bf16 && has_bf16() && simple && !p.residual &&
           p.groups == 1 && p.dilation == 1 && p.c <= kMostChannels && p.r <= kMostRows && p.k % kLanes == 0;
}

ConvFirst::ConvFirst(const ConvProblem& problem) : problem_(problem) {}

std::size_t ConvFirst::packed_bytes() const { return problem_.weight_count() * sizeof(float); }

/// To (R, S, C, K).
void ConvFirst::pack(const float* w, const double* scale, void* packed) const {
    const ConvProblem& p = problem_;
    auto* to = static_cast<float*>(packed);
    for (int r = 0; r < p.r; ++r)
        for (int s = 0; s < p.s; ++s)
            for (int c = 0; c < p.c; ++c)
                for (int k = 0; k < p.k; ++k) {
                    const float value = w[((std::size_t(k) * p.c + c) * p.r + r) * p.s + s];
                    *to++ = scale ? float(value * scale[k]) : value;
                }
}

void ConvFirst::run(const void* x, const void* packed, const float* bias, void* y, void*) const {
    const ConvProblem& p = problem_;
    const std::size_t picture = std::size_t(p.h) * p.w * p.c, row_of_y = std::size_t(p.q()) * p.k;
#pragma omp parallel
    {
        Row row(p, static_cast<const float*>(packed), bias);
#pragma omp for
        for (int i = 0; i < p.n * p.p(); ++i)
            row.compute(static_cast<const float*>(x) + std::size_t(i / p.p()) * picture, i % p.p(),
                        static_cast<Bf16*>(y) + std::size_t(i) * row_of_y);
    }
}

}  // namespace convoy::kernels::cpu
