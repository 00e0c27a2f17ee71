// SPDX-License-Identifier: MIT
//
// The implicit GEMM's kernel; igemm.cu tells how it works. For the files that instantiate it.
#pragma once

#include "kernels/cuda/conv/igemm_store.cuh"
#include "kernels/cuda/ptx/cp_async.cuh"
#include "kernels/cuda/ptx/griddepcontrol.cuh"
#include "kernels/cuda/ptx/ld_st.cuh"

namespace convoy::kernels::cuda {

/// One thread's way through K: its vector of the current stage's rows, as a number of digits c, s, r.
struct IgemmWalk {
    int c;     // vector in the tap
    int s, r;  // tap

    __device__ IgemmWalk(const IgemmParams& p, int vector) {
        const auto [tap, in_tap] = p.by_c(vector);
        const auto [row, column] = p.by_s(tap);
        c = in_tap, s = column, r = row;
    }
    /// To the next stage: adds p.stage_step, with carries.
    __device__ __forceinline__ void advance(const IgemmParams& p) {
        c += p.stage_step.c;
        const bool next_s = c >= p.c;
        c -= next_s ? p.c : 0;
        s += p.stage_step.s + next_s;
        const bool next_r = s >= p.s;
        s -= next_r ? p.s : 0;
        r += p.stage_step.r + next_r;
    }
    __device__ bool inside(const IgemmParams& p) const { return r < p.r; }
    __device__ int x_offset(const IgemmParams& p) const { return r * p.tap_h + s * p.tap_w + c; }
    __device__ int weight_offset(const IgemmParams& p) const { return (r * p.s + s) * p.c + c; }
};

/// Bit i: tap i of `taps`, the first at `at`, falls inside [0, size).
__device__ __forceinline__ unsigned taps_inside(const IgemmParams& p, int at, int size, int taps) {
    const int first = min(p.by_dilation(max(-at, 0) + p.dilation - 1).quotient, taps);
    const int end = min(p.by_dilation(max(size - at, 0) + p.dilation - 1).quotient, taps);
    return (1u << end) - (1u << first);
}

/// What loading x needs to know of one output pixel.
struct alignas(8) IgemmRow {
    int x;           // where its tap (0, 0) lies, perhaps outside
    unsigned valid;  // bit r: row r of the filter is inside the picture; bit 16 + s: column s

    static __device__ __forceinline__ IgemmRow of(const IgemmParams& p, int m) {
        const auto [image, in_image] = p.by_pq(m);
        const auto [out_h, out_w] = p.by_q(in_image);
        const int h = out_h * p.stride_h - p.pad_h, w = out_w * p.stride_w - p.pad_w;
        const unsigned valid = taps_inside(p, h, p.h, p.r) | taps_inside(p, w, p.w, p.s) << 16;
        return {((image * p.h + h) * p.w + w) * p.x_pitch, m < p.m ? valid : 0};
    }
};

/// SPLIT: blocks (grid's y) share the K of a tile, and each has one tile; else a block finishes every gridDim.x-th.
template <typename SHAPE, bool SPLIT>
__global__ void __launch_bounds__(SHAPE::kTile.threads(), SHAPE::kTile.blocks)
    conv_igemm(const __grid_constant__ IgemmParams p) {
    constexpr IgemmTile TILE = SHAPE::kTile;
    constexpr bool kPlain = TILE.plain;
#if __CUDA_ARCH__ >= 800
    constexpr bool kCompiled = !kPlain;
#else
    constexpr bool kCompiled = kPlain;
#endif
    if constexpr (!kCompiled) return;  // its rows support nothing here
    constexpr int kVectors = TILE.row_vectors(), kSteps = IgemmFragments<SHAPE>::kSteps;
    constexpr int kWarpM = TILE.bm / TILE.warps_m, kWarpN = TILE.warp_n();
    constexpr int kMmaM = kWarpM / 16, kMmaN = kWarpN / 8;
    constexpr int kRowsAtOnce = TILE.threads() / kVectors;  // that the block's threads load together
    constexpr int kRowsX = TILE.bm / kRowsAtOnce, kRowsW = TILE.bn / kRowsAtOnce;
    constexpr int kStepW = kSteps > 2 ? 2 : 0;  // the weights are asked for after x where there is time
    constexpr int kRowBytes = 16 * kVectors, kBytesX = TILE.bm * kRowBytes;
    static_assert(kSteps % 2 == 0, "the two fragment buffers change places with every step");
    static_assert(TILE.bm % kRowsAtOnce == 0 && TILE.bn % kRowsAtOnce == 0 && kRowsAtOnce % 8 == 0);
    static_assert(kWarpM % 16 == 0 && kWarpN % 16 == 0 && TILE.stages >= 2);
    static_assert(!kPlain || TILE.stages == 2, "the registers hold one stage");

    griddepcontrol_launch_dependents();
    extern __shared__ __align__(128) unsigned char shared[];
    const std::uint32_t pipeline = std::uint32_t(__cvta_generic_to_shared(shared));
    const std::uint32_t pipeline_end = pipeline + TILE.pipeline_bytes();

    const int first_iteration = SPLIT ? blockIdx.y * p.iterations / p.splits : 0;
    const int iterations = SPLIT ? (blockIdx.y + 1) * p.iterations / p.splits - first_iteration : p.iterations;

    // This thread loads vector `vector` of every row that is `row` modulo kRowsAtOnce. Loads run STAGES - 1 stages
    // ahead of the sums, and into the block's next tile: what follows is the state of the loads.
    const int vector = threadIdx.x % kVectors, row = threadIdx.x / kVectors;
    const std::uint32_t to_shared = row * kRowBytes + swizzled<kVectors>(row, vector) * 16;
    const int filter = p.r * p.s * p.c;  // vectors
    int load_tile = blockIdx.x, left = iterations;
    IgemmWalk walk(p, first_iteration * kVectors + vector);
    int w_row;
    int w_rows;  // from this thread's first to the last that there is
    IgemmRow x_rows[kRowsX];

    // Each row is worked out once, a tile ahead: between writing and reading lies at least one barrier.
    IgemmRow* const tables = reinterpret_cast<IgemmRow*>(shared + TILE.pipeline_bytes());
    int table = 0;
    const auto write_rows = [&](int tile) {
        const int m0 = p.by_n_tiles(tile).quotient * TILE.bm;
        for (int i = threadIdx.x; i < TILE.bm; i += TILE.threads()) tables[table + i] = IgemmRow::of(p, m0 + i);
    };
    const auto read_rows = [&] {
        const int n = p.by_n_tiles(load_tile).remainder * TILE.bn + row;
        w_row = n * filter;
        w_rows = p.k - n;
#pragma unroll
        for (int i = 0; i < kRowsX; ++i) x_rows[i] = tables[table + row + i * kRowsAtOnce];
        if (SPLIT) return;
        table = TILE.bm - table;
        write_rows(load_tile + gridDim.x);
    };
    // The stage on its way, where it passes through registers: asked for before the products, stored behind them.
    uint4 staged_x[kRowsX], staged_w[kRowsW];
    const auto copy = [&](uint4& staged, std::uint32_t to, const uint4* from, bool inside, bool issue) {
        if constexpr (kPlain)
            staged = ld_global_v4(from, inside && issue);
        else
            cp_async_cg(to, from, inside, issue);
    };
    const auto store_staged = [&](std::uint32_t stage) {
        if constexpr (kPlain) {
#pragma unroll
            for (int i = 0; i < kRowsX; ++i) st_shared_v4(stage + to_shared + i * kRowsAtOnce * kRowBytes, staged_x[i]);
#pragma unroll
            for (int i = 0; i < kRowsW; ++i)
                st_shared_v4(stage + kBytesX + to_shared + i * kRowsAtOnce * kRowBytes, staged_w[i]);
        }
    };
    const auto load_w = [&](std::uint32_t stage, const IgemmWalk& at, bool issue) {
        const int offset = w_row + at.weight_offset(p);
        const int rows = at.inside(p) ? w_rows : 0;
#pragma unroll
        for (int i = 0; i < kRowsW; ++i)
            copy(staged_w[i], stage + kBytesX + to_shared + i * kRowsAtOnce * kRowBytes,
                 p.weights + (offset + i * kRowsAtOnce * filter), i * kRowsAtOnce < rows, issue);
    };
    const auto load_x = [&](std::uint32_t stage, bool issue) {
        const int offset = walk.x_offset(p);
        const unsigned tap = walk.inside(p) ? 1u << walk.r | 0x10000u << walk.s : ~0u;  // no row has all bits
#pragma unroll
        for (int i = 0; i < kRowsX; ++i)
            copy(staged_x[i], stage + to_shared + i * kRowsAtOnce * kRowBytes, p.x + (x_rows[i].x + offset),
                 (x_rows[i].valid & tap) == tap, issue);
    };
    const auto advance = [&] {
        walk.advance(p);
        if (--left > 0 || SPLIT) return;
        load_tile += gridDim.x;
        left = iterations;
        walk = IgemmWalk(p, vector);
        if (load_tile < p.tiles) read_rows();
    };
    const auto more = [&] { return SPLIT ? left > 0 : load_tile < p.tiles; };

    // The weights of the first stages are nobody's output: they load while the predecessor still runs.
    write_rows(load_tile);
    __syncthreads();
    read_rows();
    IgemmWalk ahead = walk;
#pragma unroll
    for (int stage = 0; stage < TILE.stages - 1; ++stage, ahead.advance(p))
        load_w(pipeline + stage * TILE.stage_bytes(), ahead, stage < iterations);
    griddepcontrol_wait();
#pragma unroll 1
    for (int stage = 0; stage < TILE.stages - 1; ++stage) {
        load_x(pipeline + stage * TILE.stage_bytes(), more());
        if (stage >= iterations) load_w(pipeline + stage * TILE.stage_bytes(), walk, more());
        store_staged(pipeline + stage * TILE.stage_bytes());
        cp_async_commit_group();
        __syncthreads();  // read_rows() may be called again
        advance();
    }

    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const int warp_m = warp % TILE.warps_m * kWarpM, warp_n = warp / TILE.warps_m * kWarpN;
    const int sum_lane = sums_lane<SHAPE>(lane);
    IgemmFragments<SHAPE> fragments(lane, warp_m, warp_n);
    IgemmSums<SHAPE> sum;

    std::uint32_t read = pipeline, write = pipeline_end - TILE.stage_bytes();
    cp_async_wait_group<TILE.stages - 2>();
    __syncthreads();
    fragments.load(0, read, 0);
#pragma unroll 1
    for (int tile = blockIdx.x; tile < p.tiles; tile += gridDim.x) {
        if (!SPLIT && p.residual) prefetch_residual<SHAPE>(p, tile);
#pragma unroll
        for (auto& sums : sum)
#pragma unroll
            for (auto& four : sums) four[0] = four[1] = four[2] = four[3] = 0;
#pragma unroll 1
        for (int iteration = 0; iteration < iterations; ++iteration) {
#pragma unroll
            for (int step = 0; step < kSteps; ++step) {
                if (step == kSteps - 1) {  // the next stage has arrived, and all warps are done with this one
                    store_staged(write);   // which all have been done with for a stage
                    cp_async_wait_group<TILE.stages - 2>();
                    __syncthreads();
                    write = read;
                    read = read + TILE.stage_bytes() == pipeline_end ? pipeline : read + TILE.stage_bytes();
                }
                fragments.load((step + 1) % 2, read, (step + 1) % kSteps);
                if (step == 0) load_x(write, more());
                if (step == kStepW) {
                    load_w(write, walk, more());
                    cp_async_commit_group();
                }
                fragments.multiply(step % 2, sum);
                if (step == kStepW) advance();
            }
        }

        const auto [m_tile, n_tile] = p.by_n_tiles(tile);
        const int m0 = m_tile * TILE.bm, n0 = n_tile * TILE.bn;
        if constexpr (!SPLIT) {
            float* sums =
                reinterpret_cast<float*>(shared + TILE.pipeline_bytes() + TILE.rows_bytes() + warp * TILE.warp_sums());
            if (p.sloped())
                store_warp<SHAPE, Sloped>(p, sums, sum, m0 + warp_m, n0 + warp_n);
            else
                store_warp<SHAPE, AnyActivation>(p, sums, sum, m0 + warp_m, n0 + warp_n);
        } else if (p.partial_sums) {
            const int sum_row = warp_m + sum_lane / 4, sum_column = warp_n + sum_lane % 4 * 2;  // of sum[0][0][0]
#pragma unroll
            for (int i = 0; i < kMmaM * 2; ++i)
#pragma unroll
                for (int j = 0; j < kMmaN; ++j) {
                    const int m = m0 + sum_row + i * 8, k = n0 + sum_column + j * 8;
                    if (m >= p.m || k >= p.k) continue;
                    float* to = p.partial_sums + (std::size_t(blockIdx.y) * p.m + m) * p.k + k;
                    *reinterpret_cast<float2*>(to) = {sum[i / 2][j][i % 2 * 2], sum[i / 2][j][i % 2 * 2 + 1]};
                }
        } else {
            cp_async_wait_group<0>();
            __syncthreads();  // the pipeline's memory is free
            float* sums = reinterpret_cast<float*>(shared);
#pragma unroll
            for (int i = 0; i < kMmaM * 2; ++i)
                stage_sums<SHAPE, TILE.bn>(sums + (warp_m + sum_lane / 4 + i * 8) * TILE.staged_row(TILE.bn),
                                           warp_n + sum_lane % 4 * 2, sum[i / 2], i % 2);
            barrier_cluster();
            if (p.sloped())
                store_share<SHAPE, Sloped>(p, sums, m0, n0);
            else
                store_share<SHAPE, AnyActivation>(p, sums, m0, n0);
            barrier_cluster_arrive_relaxed(), barrier_cluster_wait();  // nobody leaves while others read its sums
        }
    }
    cp_async_wait_group<0>();
}

template <typename SHAPE, bool SPLIT>
IgemmKernel igemm_kernel() {
    return conv_igemm<SHAPE, SPLIT>;
}

}  // namespace convoy::kernels::cuda
