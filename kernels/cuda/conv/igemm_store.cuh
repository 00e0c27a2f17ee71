// SPDX-License-Identifier: MIT
//
// From the sums in registers to y, by way of shared memory, so that every thread finishes 16 bytes of neighbouring
// channels. For igemm_kernel.cuh.
#pragma once

#include "kernels/cuda/conv/igemm_fragments.cuh"
#include "kernels/cuda/ptx/cluster.cuh"
#include "kernels/cuda/ptx/prefetch.cuh"

namespace convoy::kernels::cuda {

template <typename SHAPE>
using IgemmElement = std::conditional_t<SHAPE::kTile.math == Math::fp16, __half, float>;

/// The place of four sums, at a multiple of four columns, in a staged row of N: the two halves of eight fp16 outputs
/// lie apart, so that the threads of a warp read 16 bytes beside 16 bytes.
template <typename SHAPE, int N>
__device__ __forceinline__ int staged_column(int column) {
    if (SHAPE::kTile.lanes() == 4) return column;
    return (column & 4 ? N / 2 + 4 : 0) + column / 8 * 4;
}

/// Half `half` of the rows of a warp's 16-row slice of sums: a row per four lanes, which `row` points at.
template <typename SHAPE, int N, int MMA_N>
__device__ __forceinline__ void stage_sums(float* row, int column, const float (&sum)[MMA_N][4], int half) {
#pragma unroll
    for (int j = 0; j < MMA_N; ++j) {
        const int at = column + j * 8, two = at & 2;
        float* to = row + staged_column<SHAPE, N>(at - two) + two;
        *reinterpret_cast<float2*>(to) = {sum[j][half * 2], sum[j][half * 2 + 1]};
    }
}

__device__ __forceinline__ void add_four(float* sum, const float4& four) {
    sum[0] += four.x, sum[1] += four.y, sum[2] += four.z, sum[3] += four.w;
}

/// A warp's tile, eight rows at a time through `sums`, memory of its own: warps do not wait for each other. `m` and `n`
/// are the tile's first row and column.
template <typename SHAPE, typename Act, int MMA_M, int MMA_N>
__device__ __forceinline__ void store_warp(const IgemmParams& p, float* sums, const float (&sum)[MMA_M][MMA_N][4],
                                           int m, int n) {
    constexpr IgemmTile TILE = SHAPE::kTile;
    constexpr int N = TILE.warp_n(), kLanes = TILE.lanes(), kRow = TILE.staged_row(N);
    constexpr int kColumns = N / kLanes;                          // threads of a row
    constexpr int kRows = 32 / kColumns < 8 ? 32 / kColumns : 8;  // at once
    constexpr int kPasses = 8 / kRows, kHalves = 2 * MMA_M;       // of 8 rows
    constexpr int kUnroll = std::is_same_v<Act, Sloped> ? kHalves : 1;
    using Epilogue = ConvEpilogue<IgemmElement<SHAPE>, Act>;

    const int lane = threadIdx.x % 32, column = lane % kColumns * kLanes, row = lane / kColumns;
    const int sum_lane = sums_lane<SHAPE>(lane);
    const bool inside = n + column < p.k && row < kRows;
    const Epilogue epilogue(p, inside ? n + column : 0);
    const float* from = sums + row * kRow;
    const auto stores = [&](int half, int pass) { return inside && m + half * 8 + pass * kRows + row < p.m; };
    typename Epilogue::Vector residual[kPasses], next[kPasses];
    const auto load_residual = [&](int half) {
#pragma unroll
        for (int pass = 0; pass < kPasses; ++pass)
            if (p.residual && stores(half, pass)) next[pass] = epilogue.residual(m + half * 8 + pass * kRows + row);
    };

    load_residual(0);
#pragma unroll kUnroll
    for (int half = 0; half < kHalves; ++half) {
#pragma unroll
        for (int i = 0; i < kHalves; ++i)  // where the loop is rolled the registers still have fixed numbers
            if (i == half) stage_sums<SHAPE, N>(sums + sum_lane / 4 * kRow, sum_lane % 4 * 2, sum[i / 2], i % 2);
        __syncwarp();
#pragma unroll
        for (int pass = 0; pass < kPasses; ++pass) residual[pass] = next[pass];
        if (half + 1 < kHalves) load_residual(half + 1);
        float v[kPasses][kLanes];
#pragma unroll
        for (int pass = 0; pass < kPasses; ++pass)
#pragma unroll
            for (int i = 0; i < kLanes; i += 4) {
                const float* four = from + pass * kRows * kRow + staged_column<SHAPE, N>(column + i);
                load<float>(four, *reinterpret_cast<float(*)[4]>(v[pass] + i));
            }
        __syncwarp();
#pragma unroll
        for (int pass = 0; pass < kPasses; ++pass)
            if (stores(half, pass)) epilogue.store(m + half * 8 + pass * kRows + row, v[pass], residual[pass]);
    }
}

/// The tile's residual, on its way to L2 while its sums are made.
template <typename SHAPE>
__device__ __forceinline__ void prefetch_residual(const IgemmParams& p, int tile) {
    constexpr IgemmTile TILE = SHAPE::kTile;
    const auto [m_tile, n_tile] = p.by_n_tiles(tile);
    using T = IgemmElement<SHAPE>;
    constexpr int kLine = 128 / sizeof(T) < TILE.bn ? 128 / sizeof(T) : TILE.bn, kLines = TILE.bn / kLine;
#pragma unroll 1
    for (int i = threadIdx.x; i < TILE.bm * kLines; i += TILE.threads()) {
        const int m = m_tile * TILE.bm + i / kLines, n = n_tile * TILE.bn + i % kLines * kLine;
        if (m < p.m && n < p.k)
            prefetch_global_l2(static_cast<const T*>(p.residual) + std::size_t(m) * p.residual_pitch + n);
    }
}

/// From the tile's sums in the shared memory of all blocks of the cluster to y: each block finishes its share of rows.
template <typename SHAPE, typename Act>
__device__ __forceinline__ void store_share(const IgemmParams& p, const float* sums, int m0, int n0) {
    constexpr IgemmTile TILE = SHAPE::kTile;
    using Epilogue = ConvEpilogue<IgemmElement<SHAPE>, Act>;
    constexpr int kLanes = TILE.lanes(), kColumns = TILE.bn / kLanes, kStep = TILE.threads() / kColumns;
    static_assert(TILE.threads() % kColumns == 0);

    const int column = threadIdx.x % kColumns * kLanes;
    if (n0 + column >= p.k) return;
    const Epilogue epilogue(p, n0 + column);
    const int share = TILE.bm / p.splits, first = blockIdx.y * share;
    const int end = min(first + share, p.m - m0);
    for (int row = first + threadIdx.x / kColumns; row < end; row += kStep) {
        const float* at = sums + row * TILE.staged_row(TILE.bn);
        typename Epilogue::Vector residual;
        if (p.residual) residual = epilogue.residual(m0 + row);
        float sum[kLanes] = {};
        for (int block = 0; block < p.splits; ++block) {  // always in this order: the same bits every time
            const std::uint32_t theirs = mapa(std::uint32_t(__cvta_generic_to_shared(at)), block);
#pragma unroll
            for (int i = 0; i < kLanes; i += 4)
                add_four(sum + i, ld_shared_cluster_v4_f32(theirs + staged_column<SHAPE, TILE.bn>(column + i) *
                                                                        int(sizeof(float))));
        }
        epilogue.store(m0 + row, sum, residual);
    }
}

}  // namespace convoy::kernels::cuda
