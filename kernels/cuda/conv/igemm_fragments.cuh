// SPDX-License-Identifier: MIT
//
// A warp's operands on their way from the ring to its sums: fragments for tensor cores, or vectors of K for CUDA cores.
// For igemm_kernel.cuh.
#pragma once

#include "kernels/cuda/conv/igemm.cuh"
#include "kernels/cuda/ptx/ld_st.cuh"
#include "kernels/cuda/ptx/ldmatrix.cuh"
#include "kernels/cuda/ptx/mma.cuh"

namespace convoy::kernels::cuda {

/// Rows of `VECTORS` vectors lie in shared memory without gaps; their vectors change places so that the eight rows
/// that a cp.async or ldmatrix touches at once fall into different banks.
template <int VECTORS>
__device__ __forceinline__ constexpr int swizzled(int row, int vector) {
    static_assert(VECTORS == 4 || VECTORS == 8);
    return vector ^ (VECTORS == 8 ? row & 7 : row >> 1 & 3);
}

/// A warp's sums, dealt to its lanes as by mma.sync: lane l has sum[0][0][0] at row l / 4, column l % 4 * 2.
template <typename SHAPE>
using IgemmSums = float[SHAPE::kTile.bm / SHAPE::kTile.warps_m / 16][SHAPE::kTile.warp_n() / 8][4];

/// Which of mma.sync's lanes this one stands for.
template <typename SHAPE>
__device__ __forceinline__ int sums_lane(int lane) {
    if (SHAPE::kTile.math != Math::fp32) return lane;
    // Bits 1 and 2 change places: of four lanes two share a row of x, two a row of weights, and then shared memory
    // serves half a warp's vectors of 16 bytes at once, not a quarter's.
    return (lane & ~6) | (lane & 2) << 1 | (lane & 4) >> 1;
}

/// fp16 and tf32: a step is the 32 bytes of K that one mma multiplies.
template <typename SHAPE>
struct MmaFragments {
    static constexpr IgemmTile TILE = SHAPE::kTile;
    static constexpr int kVectors = TILE.row_vectors(), kSteps = kVectors / 2, kRowBytes = 16 * kVectors;
    static constexpr int kMmaM = TILE.bm / TILE.warps_m / 16, kMmaN = TILE.warp_n() / 8;

    std::uint32_t x_fragment, w_fragment;  // from the stage's begin
    std::uint32_t a[2][kMmaM][4], b[2][kMmaN][2];

    __device__ __forceinline__ MmaFragments(int lane, int warp_m, int warp_n) {
        const int x_lane = lane % 16, w_lane = lane % 8 + lane / 16 * 8;
        x_fragment = (warp_m + x_lane) * kRowBytes + swizzled<kVectors>(x_lane, lane / 16) * 16;
        w_fragment =
            TILE.bm * kRowBytes + (warp_n + w_lane) * kRowBytes + swizzled<kVectors>(w_lane, lane / 8 % 2) * 16;
    }

    __device__ __forceinline__ void load(int buffer, std::uint32_t stage, int step) {
        const std::uint32_t x_at = (stage + x_fragment) ^ step * 32, w_at = (stage + w_fragment) ^ step * 32;
#pragma unroll
        for (int i = 0; i < kMmaM; ++i) {
            auto& to = a[buffer][i];
            ldmatrix_x4(to[0], to[1], to[2], to[3], x_at + i * 16 * kRowBytes);
        }
#pragma unroll
        for (int i = 0; i < kMmaN; i += 2) {
            auto &to = b[buffer][i], &next = b[buffer][i + 1];
            ldmatrix_x4(to[0], to[1], next[0], next[1], w_at + i * 8 * kRowBytes);
        }
    }

    __device__ __forceinline__ void multiply(int buffer, IgemmSums<SHAPE>& sum) {
        constexpr bool kHalf = TILE.math == Math::fp16;
        if constexpr (!kHalf) {
#pragma unroll
            for (auto& fragment : a[buffer])
#pragma unroll
                for (std::uint32_t& bits : fragment) bits = cvt_rna_tf32_f32(bits);
#pragma unroll
            for (auto& fragment : b[buffer])
#pragma unroll
                for (std::uint32_t& bits : fragment) bits = cvt_rna_tf32_f32(bits);
        }
#pragma unroll
        for (int i = 0; i < kMmaM; ++i)
#pragma unroll
            for (int j = 0; j < kMmaN; ++j) {
                if constexpr (kHalf)
                    mma_m16n8k16_f16(sum[i][j], a[buffer][i], b[buffer][j]);
                else
                    mma_m16n8k8_tf32(sum[i][j], a[buffer][i], b[buffer][j]);
            }
    }
};

/// fp32: a step is one vector of K, four products for each sum. A lane has every eighth row of x, and of the weights
/// pairs of rows, so that its sums are those of one of mma.sync's lanes.
template <typename SHAPE>
struct FmaFragments {
    static constexpr IgemmTile TILE = SHAPE::kTile;
    static constexpr int kVectors = TILE.row_vectors(), kSteps = kVectors, kRowBytes = 16 * kVectors;
    static constexpr int kRowsX = TILE.bm / TILE.warps_m / 8, kRowsW = TILE.warp_n() / 4;
    static constexpr int kSwizzleOdd = swizzled<kVectors>(1, 0) * 16;  // of the second row of a pair beside the first

    std::uint32_t x_vector, w_vector;  // from the stage's begin
    uint4 a[2][kRowsX], b[2][kRowsW];

    __device__ __forceinline__ FmaFragments(int lane, int warp_m, int warp_n) {
        const int x_row = sums_lane<SHAPE>(lane) / 4, w_row = sums_lane<SHAPE>(lane) % 4 * 2;
        x_vector = (warp_m + x_row) * kRowBytes + swizzled<kVectors>(x_row, 0) * 16;
        w_vector = (TILE.bm + warp_n + w_row) * kRowBytes + swizzled<kVectors>(w_row, 0) * 16;
    }

    __device__ __forceinline__ void load(int buffer, std::uint32_t stage, int step) {
        const std::uint32_t x_at = (stage + x_vector) ^ step * 16, w_at = (stage + w_vector) ^ step * 16;
#pragma unroll
        for (int j = 0; j < kRowsW; ++j)
            b[buffer][j] = ld_shared_v4((w_at ^ j % 2 * kSwizzleOdd) + (j / 2 * 8 + j % 2) * kRowBytes);
#pragma unroll
        for (int i = 0; i < kRowsX; ++i) a[buffer][i] = ld_shared_v4(x_at + i * 8 * kRowBytes);
    }

    __device__ __forceinline__ void multiply(int buffer, IgemmSums<SHAPE>& sum) {
#pragma unroll
        for (int i = 0; i < kRowsX; ++i)
#pragma unroll
            for (std::uint32_t uint4::*k : {&uint4::x, &uint4::y, &uint4::z, &uint4::w})
#pragma unroll
                for (int j = 0; j < kRowsW; ++j) {
                    float& to = sum[i / 2][j / 2][i % 2 * 2 + j % 2];
                    to = fmaf(__uint_as_float(a[buffer][i].*k), __uint_as_float(b[buffer][j].*k), to);
                }
    }
};

template <typename SHAPE>
using IgemmFragments = std::conditional_t<SHAPE::kTile.math == Math::fp32, FmaFragments<SHAPE>, MmaFragments<SHAPE>>;

}  // namespace convoy::kernels::cuda
