// SPDX-License-Identifier: MIT
//
// The Hopper family's kernel; wgmma.cu tells how it works. For the files that instantiate it.
#pragma once

#include <type_traits>

#include "kernels/cuda/conv/wgmma_epilogue.cuh"
#include "kernels/cuda/ptx/bar.cuh"
#include "kernels/cuda/ptx/elect.cuh"
#include "kernels/cuda/ptx/griddepcontrol.cuh"
#include "kernels/cuda/ptx/ld_st.cuh"
#include "kernels/cuda/ptx/mbarrier.cuh"
#include "kernels/cuda/ptx/tma.cuh"
#include "kernels/cuda/ptx/wgmma.cuh"

namespace convoy::kernels::cuda {

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

/// Where everything lies in shared memory.
template <typename SHAPE>
struct WgmmaShared {
    static constexpr WgmmaTile TILE = SHAPE::kTile;
    std::uint32_t base;

    __device__ std::uint32_t weights(int stage) const { return base + stage * TILE.stage_bytes(); }
    __device__ std::uint32_t pixels(int stage) const { return weights(stage) + TILE.weights_bytes(); }
    /// Of the i-th tile.
    __device__ std::uint32_t output(int i) const {
        return base + TILE.pipeline_bytes() + i % TILE.outputs * TILE.output_bytes();
    }
    __device__ std::uint32_t full(int stage) const {
        return base + TILE.pipeline_bytes() + TILE.outputs * TILE.output_bytes() + 8 * stage;
    }
    __device__ std::uint32_t empty(int stage) const { return full(TILE.stages + stage); }
    __device__ std::uint32_t output_full(int turn) const { return full(2 * TILE.stages + turn); }
    __device__ std::uint32_t output_empty(int i) const { return full(2 * TILE.stages + 2 + i % TILE.outputs); }
};

/// 32 bytes of K.
template <Math MATH, int N>
__device__ __forceinline__ void wgmma_multiply(float (&sums)[N / 2], std::uint64_t weights, std::uint64_t pixels,
                                               bool add) {
    if constexpr (MATH == Math::tf32)
        wgmma_m64k8_tf32<N>(sums, weights, pixels, add);
    else
        wgmma_m64k16_f16<N>(sums, weights, pixels, add);
}

/// A tile's first channel and pixel.
template <typename SHAPE>
__device__ __forceinline__ int2 wgmma_tile(const WgmmaParams& p, int tile) {
    const auto [pixel, channel] = p.by_k_tiles(p.backwards ? p.tiles - 1 - tile : tile);
    return {channel * SHAPE::kTile.bm, pixel * SHAPE::kTile.bn};
}

/// Where tap (0, 0) of output pixel m begins.
__device__ __forceinline__ Im2colStart wgmma_pixel(const WgmmaParams& p, int m) {
    const auto [image, in_image] = p.by_pq(m);
    const auto [row, column] = p.by_q(in_image);
    return {0, column * p.stride_w - p.pad_w, row * p.stride_h - p.pad_h, image, 0, 0};
}

/// Two threads, one for weights and one for pixels: they fill stage after stage, tile after tile.
template <typename SHAPE, bool WEIGHTS>
__device__ void wgmma_load(const WgmmaParams& p, const WgmmaMaps& maps, const WgmmaShared<SHAPE>& shared) {
    constexpr WgmmaTile TILE = SHAPE::kTile;
    WgmmaRing<TILE.stages> ring;
    if (!WEIGHTS) griddepcontrol_wait();  // nobody computes weights
    for (int i = blockIdx.x; i < p.tiles; i += gridDim.x) {
        const int2 tile = wgmma_tile<SHAPE>(p, i);
        Im2colStart at = wgmma_pixel(p, tile.y);
        int tap = 0;  // where it begins in a row of the weights
        for (int r = 0; r < p.taps_r; ++r)
            for (int s = 0; s < p.taps_s; ++s, tap += p.filter_c) {
                at.tap_h = std::uint16_t(r * p.dilation), at.tap_w = std::uint16_t(s * p.dilation);
#pragma unroll 1
                for (int step = 0; step < p.channel_steps; ++step, ring.next()) {
                    at.c = step * TILE.bk;
                    const std::uint32_t full = shared.full(ring.stage);
                    mbarrier_wait(shared.empty(ring.stage), ring.parity ^ 1);
                    mbarrier_arrive_expect_tx(full, WEIGHTS ? TILE.weights_bytes() : TILE.pixels_bytes());
                    if (WEIGHTS)
                        tma_load(shared.weights(ring.stage), maps.weights, tap + at.c, tile.x, full);
                    else
                        tma_load_im2col(shared.pixels(ring.stage), maps.x, at, full);
                }
            }
    }
}

/// One thread: says for tile after tile that the output's memory is free, with the residual in it if there is one.
template <typename SHAPE>
__device__ void wgmma_load_residual(const WgmmaParams& p, const WgmmaMaps& maps, const WgmmaShared<SHAPE>& shared) {
    constexpr WgmmaTile TILE = SHAPE::kTile;
    const std::uint64_t policy = l2_evict_first();  // mostly nobody else reads it
    griddepcontrol_wait();
    int i = 0;
    for (int index = blockIdx.x; index < p.tiles; index += gridDim.x, ++i) {
        const std::uint32_t full = shared.output_full(i % 2);
        mbarrier_wait(shared.output_empty(i), i / TILE.outputs % 2 ^ 1);
        if (!p.epilogue.residual) {
            mbarrier_arrive(full);
            continue;
        }
        const int2 tile = wgmma_tile<SHAPE>(p, index);
        mbarrier_arrive_expect_tx(full, TILE.output_bytes());
        for (int box = 0; box < TILE.boxes(); ++box)
            tma_load_hinted(shared.output(i) + box * TILE.box_bytes(), maps.residual,
                            tile.x + box * TILE.box_channels(), tile.y, full, policy);
    }
}

/// BOXES of a finished tile to y, every pixel to 2 x 2 of (N, 2P, 2Q): no box that the copy engine knows.
template <typename SHAPE, int BOXES>
__device__ void wgmma_store_squares(const WgmmaParams& p, int2 tile, std::uint32_t output) {
    constexpr WgmmaTile TILE = SHAPE::kTile;
    using T = std::conditional_t<TILE.math == Math::fp16, __half, float>;
    constexpr int kVectors = BOXES * 8;  // of 16 bytes
    const int vector = threadIdx.x % kVectors, channel = tile.x + TILE.lanes() * vector;
    const std::uint32_t column = output + vector / 8 * TILE.box_bytes();
    if (channel >= p.epilogue.k) return;
    for (int i = threadIdx.x % 128 / kVectors; i < TILE.bn && tile.y + i < p.pixels; i += 128 / kVectors) {
        const uint4 v = ld_shared_v4(column + i * kWgmmaOutputRow + ((vector ^ i) % 8 << 4));
        const int m = tile.y + i, square = 4 * m - 2 * p.by_q(m).remainder;
        T* y = static_cast<T*>(p.y) + std::size_t(square) * p.y_pitch + channel;
        const std::size_t below = 2 * std::size_t(p.by_q.divisor()) * p.y_pitch;
        *reinterpret_cast<uint4*>(y) = v;
        *reinterpret_cast<uint4*>(y + p.y_pitch) = v;
        *reinterpret_cast<uint4*>(y + below) = v;
        *reinterpret_cast<uint4*>(y + below + p.y_pitch) = v;
    }
}

/// The sums of a tile, or of 64 of its channels, whose filters lie `filters` bytes behind a stage's first, from stages
/// of the ring from `ring` on. Says before_last(iteration) before the last products of each.
template <typename SHAPE, int BM, typename BeforeLast>
__device__ __forceinline__ void wgmma_multiply_tile(WgmmaSums<BM, SHAPE::kTile.bn>& sums, int iterations,
                                                    const WgmmaShared<SHAPE>& shared,
                                                    WgmmaRing<SHAPE::kTile.stages>& ring, int filters,
                                                    BeforeLast before_last) {
    constexpr WgmmaTile TILE = SHAPE::kTile;
    constexpr int kHalves = BM / 64, kSteps = TILE.row_bytes() / 32;
    const auto release = [&](int stage, bool now) { mbarrier_arrive_of_warp(shared.empty(stage), now); };
    int last = 0;
    for (int iteration = 0; iteration < iterations; ++iteration) {
        const std::uint64_t weights = wgmma_rows<TILE.row_bytes()>(shared.weights(ring.stage) + filters);
        const std::uint64_t pixels = wgmma_rows<TILE.row_bytes()>(shared.pixels(ring.stage));
        mbarrier_wait(shared.full(ring.stage), ring.parity);
        wgmma_fence();
#pragma unroll
        for (int k = 0; k < kSteps; ++k) {
            if (k + 1 == kSteps) before_last(iteration);
#pragma unroll
            for (int half = 0; half < kHalves; ++half)
                // Descriptors count in 16 bytes.
                wgmma_multiply<TILE.math, TILE.bn>(sums.of[half], weights + half * 64 * TILE.row_bytes() / 16 + 2 * k,
                                                   pixels + 2 * k, iteration > 0 || k > 0);
        }
        wgmma_commit();
        const int done = last;
        last = ring.stage;
        ring.next();
        wgmma_wait<1>();
        release(done, iteration > 0);
    }
    wgmma_wait<0>();
    release(last, true);
}

/// Sums of the block's i-th tile, or of 64 of its channels, to y, by way of output_at(), by one of the two warpgroups;
/// `tile`: their first channel and pixel.
template <typename SHAPE, int BM, typename Output>
__device__ __forceinline__ void wgmma_finish_tile(const WgmmaSums<BM, SHAPE::kTile.bn>& sums, const WgmmaParams& p,
                                                  const WgmmaMaps& maps, const WgmmaShared<SHAPE>& shared, int2 tile,
                                                  int i, Output output_at, int group, int full, int warp) {
    constexpr WgmmaTile TILE = SHAPE::kTile;
    constexpr int kBoxes = 64 / TILE.box_channels();
    mbarrier_wait(shared.output_full(full), i / 2 & 1);
    const std::uint32_t output = output_at();
    wgmma_finish<TILE.math, SHAPE::kPlain>(p.epilogue, sums, output, [&](int half) {
        fence_proxy_async();
        bar_sync(kWgmmaFinished + group, 128);
        if (warp == 0 && p.upsample == 1 && elect_one()) {
            for (int box = half * kBoxes; box < (half + 1) * kBoxes; ++box)
                tma_store(maps.y, tile.x + box * TILE.box_channels(), tile.y, output + box * TILE.box_bytes());
            tma_store_commit();
        }
        __syncwarp();
    });
    if (p.upsample == 2) {
        wgmma_store_squares<SHAPE, BM / 64 * kBoxes>(p, tile, output);
        bar_sync(kWgmmaFinished + group, 128);
    }
    if (warp == 0 && elect_one()) {  // the same thread
        tma_store_wait_read();
        mbarrier_arrive(shared.output_empty(i));
    }
}

/// One of the two warpgroups that take turns: every other tile of this block.
template <typename SHAPE>
__device__ void wgmma_compute(const WgmmaParams& p, const WgmmaMaps& maps, const WgmmaShared<SHAPE>& shared, int turn) {
    constexpr WgmmaTile TILE = SHAPE::kTile;
    const int warp = wgmma_uniform(threadIdx.x / 32 % 4);
    const int iterations = p.taps_r * p.taps_s * p.channel_steps, step = gridDim.x;
    int i = turn;
    for (int index = blockIdx.x + turn * step; index < p.tiles; index += 2 * step, i += 2) {
        const int2 tile = wgmma_tile<SHAPE>(p, index);
        WgmmaSums<TILE.bm, TILE.bn> sums;
        sums.load_bias(p.epilogue, tile.x);
        auto ring = WgmmaRing<TILE.stages>::at(i * iterations);
        // A barrier shows the parity of its phases alone: nobody may wait for one before the last one has ended.
        if (i > 0) bar_sync(kWgmmaTurn + turn, 256);
        const int pass_on = index + step < p.tiles ? iterations - 1 : -1;
        // The other warpgroup has its first products ready when the last of these are done.
        wgmma_multiply_tile(sums, iterations, shared, ring, 0,
                            [&](int iteration) { bar_arrive_if(pass_on == iteration, kWgmmaTurn + 1 - turn, 256); });
        wgmma_finish_tile(
            sums, p, maps, shared, tile, i, [&] { return shared.output(i); }, turn, turn, warp);
    }
}

/// One of the two warpgroups that share every tile of this block: 64 channels, which are a box of the output.
template <typename SHAPE>
__device__ void wgmma_compute_both(const WgmmaParams& p, const WgmmaMaps& maps, const WgmmaShared<SHAPE>& shared,
                                   int half) {
    constexpr WgmmaTile TILE = SHAPE::kTile;
    static_assert(TILE.bm == 128 && TILE.boxes() == 2 && TILE.outputs == 1);
    const int warp = wgmma_uniform(threadIdx.x / 32 % 4);
    const int iterations = p.taps_r * p.taps_s * p.channel_steps;
    const std::uint32_t output = shared.output(0) + half * TILE.box_bytes();
    WgmmaRing<TILE.stages> ring;
    int i = 0;
    for (int index = blockIdx.x; index < p.tiles; index += gridDim.x, ++i) {
        const int2 whole = wgmma_tile<SHAPE>(p, index), tile{whole.x + half * 64, whole.y};
        WgmmaSums<64, TILE.bn> sums;
        sums.load_bias(p.epilogue, tile.x);
        wgmma_multiply_tile(sums, iterations, shared, ring, half * 64 * TILE.row_bytes(), [](int) {});
        wgmma_finish_tile(
            sums, p, maps, shared, tile, i, [&] { return output; }, half, i % 2, warp);
    }
}

#endif  // __CUDA_ARCH_FEAT_SM90_ALL

template <typename SHAPE>
__global__ void __launch_bounds__(kWgmmaThreads, SHAPE::kTile.blocks)
    conv_wgmma(const __grid_constant__ WgmmaParams p, const __grid_constant__ WgmmaMaps maps) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    constexpr WgmmaTile TILE = SHAPE::kTile;
    extern __shared__ unsigned char memory[];
    const WgmmaShared<SHAPE> shared{wgmma_align(wgmma_uniform(std::uint32_t(__cvta_generic_to_shared(memory))))};
    griddepcontrol_launch_dependents();
    if (threadIdx.x == 0) prefetch_tensormap(maps.x), prefetch_tensormap(maps.weights), prefetch_tensormap(maps.y);
    constexpr int kBarriers = TILE.stages + 2;
    mbarriers_init<kWgmmaThreads / 32>(kBarriers, [&](int i) {
        if (i < TILE.stages) {
            mbarrier_init(shared.full(i), 2);                   // weights, pixels
            mbarrier_init(shared.empty(i), TILE.both ? 8 : 4);  // by each warp that reads it
            return;
        }
        const int output = i - TILE.stages;
        mbarrier_init(shared.output_full(output), 1);
        if (output < TILE.outputs) mbarrier_init(shared.output_empty(output), TILE.both ? 2 : 1);
    });

    const int warpgroup = wgmma_uniform(threadIdx.x / 128);
    if (warpgroup >= 1) {
        setmaxnreg_inc<TILE.compute_registers()>();
        if constexpr (TILE.both)
            wgmma_compute_both<SHAPE>(p, maps, shared, warpgroup - 1);
        else
            wgmma_compute<SHAPE>(p, maps, shared, warpgroup - 1);
        return;
    }
    setmaxnreg_dec<TILE.load_registers()>();
    const int warp = wgmma_uniform(threadIdx.x / 32);
    if (!elect_one()) return;
    if (warp == 0)
        wgmma_load<SHAPE, true>(p, maps, shared);
    else if (warp == 1)
        wgmma_load<SHAPE, false>(p, maps, shared);
    else if (warp == 2)
        wgmma_load_residual<SHAPE>(p, maps, shared);
#endif
}

template <typename SHAPE>
WgmmaKernel wgmma_kernel(bool plain) {
    return plain ? conv_wgmma<WgmmaPlain<SHAPE>> : conv_wgmma<SHAPE>;
}

}  // namespace convoy::kernels::cuda
