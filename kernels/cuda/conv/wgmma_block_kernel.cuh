// SPDX-License-Identifier: MIT
//
// The kernel for residual blocks of the Hopper family; wgmma_block.cu tells how it works. For the file that
// instantiates it.
#pragma once

#include <algorithm>

#include "kernels/cuda/conv/wgmma_block_first.cuh"
#include "kernels/cuda/ptx/bar.cuh"
#include "kernels/cuda/ptx/elect.cuh"
#include "kernels/cuda/ptx/griddepcontrol.cuh"
#include "kernels/cuda/ptx/mbarrier.cuh"
#include "kernels/cuda/ptx/tma.cuh"
#include "kernels/cuda/ptx/wgmma.cuh"

namespace convoy::kernels::cuda {

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

/// One thread: boxes of x to shared memory, and of y, which has taken their place, from there.
template <typename SHAPE>
__device__ void wgmma_block_move(const WgmmaBlockParams& p, const WgmmaBlockMaps& maps,
                                 const WgmmaBlockShared<SHAPE>& shared) {
    constexpr WgmmaBlockTile TILE = SHAPE::kTile;
    const auto load = [&](int index, int place, int half) {
        const auto at = WgmmaBlockPlace::of(p, index);
        mbarrier_arrive_expect_tx(shared.box_full(place), p.pixels() * kWgmmaOutputRow);
        tma_load(shared.box(place), maps.x, 64 * half, at.q - 1, at.p - 1, at.n, shared.box_full(place));
    };
    const int step = gridDim.x, ahead = TILE.held() * step;
    griddepcontrol_wait();
    for (int i = 0; i < TILE.held(); ++i)
        for (int half = 0; half < TILE.halves(); ++half)
            if (int(blockIdx.x) + i * step < p.tiles) load(blockIdx.x + i * step, shared.place(i, half), half);
    int i = 0;
    for (int index = blockIdx.x; index < p.tiles; index += step, ++i) {
        const auto at = WgmmaBlockPlace::of(p, index);
        const int rows = min(p.tile_h, p.h - at.p);
        for (int half = 0; half < TILE.halves(); ++half) {
            const int place = shared.place(i, half);
            const bool more = index + ahead < p.tiles;
            mbarrier_wait(shared.box_finished(place), shared.parity(i));
            if (shared.y_between(half) && more) load(index + ahead, place, half);
#pragma unroll 1
            for (int row = 0; row < rows; ++row)
                tma_store(maps.y, 64 * half, at.q, at.p + row, at.n,
                          shared.y(i, half) + ((row + 1) * p.pitch() + 1) * kWgmmaOutputRow);
            tma_store_commit();
            tma_store_wait_read();
            if (shared.y_between(half))
                mbarrier_arrive(shared.between_read(i % 2));
            else if (more)
                load(index + ahead, place, half);
        }
    }
}

/// One thread: filters, the 3x3's for every tile anew or once.
template <typename SHAPE>
__device__ void wgmma_block_load_filters(const WgmmaBlockParams& p, const WgmmaBlockMaps& maps,
                                         const WgmmaBlockShared<SHAPE>& shared) {
    constexpr WgmmaBlockTile TILE = SHAPE::kTile;
    mbarrier_arrive_expect_tx(shared.first_full(), TILE.halves() * TILE.first_bytes());
    for (int half = 0; half < TILE.halves(); ++half)
        tma_load(shared.first_filter(half), maps.first_weights, 64 * half, 0, shared.first_full());
    if constexpr (TILE.keeps_filters()) {
        mbarrier_arrive_expect_tx(shared.filter_full(0), TILE.parts() * TILE.part_bytes());
#pragma unroll 1
        for (int i = 0; i < TILE.parts(); ++i)
            tma_load(shared.filter(i), maps.second_weights, i / TILE.halves() * TILE.between, i % TILE.halves() * 64,
                     shared.filter_full(0));
        return;
    }
    WgmmaRing<TILE.filter_parts> ring;
    for (int index = blockIdx.x; index < p.tiles; index += gridDim.x)
#pragma unroll 1
        for (int i = 0; i < TILE.parts(); ++i, ring.next()) {
            const std::uint32_t full = shared.filter_full(ring.stage);
            mbarrier_wait(shared.filter_empty(ring.stage), ring.parity ^ 1);
            mbarrier_arrive_expect_tx(full, TILE.part_bytes());
            tma_load(shared.filter(ring.stage), maps.second_weights, i / TILE.halves() * TILE.between,
                     i % TILE.halves() * 64, full);
        }
}

/// One of four warps is done with a place of the ring of filters.
template <typename SHAPE>
__device__ __forceinline__ void wgmma_block_release(const WgmmaBlockShared<SHAPE>& shared, int part) {
    if (threadIdx.x % 32 == 0) mbarrier_arrive(shared.filter_empty(part));
}

/// Begins the 3x3 of what lies between: where filters stay, as a group, else all but its last part is done, whose place
/// in the ring is returned. Passes the turn on if `pass`.
template <typename SHAPE>
__device__ __forceinline__ int wgmma_block_second(const WgmmaBlockParams& p, const WgmmaBlockShared<SHAPE>& shared,
                                                  WgmmaSums<64, SHAPE::kTile.bn> (&sums)[SHAPE::kTile.halves()], int i,
                                                  int turn, bool pass) {
    constexpr WgmmaBlockTile TILE = SHAPE::kTile;
    constexpr int kSteps = TILE.between / 16;
    auto ring = WgmmaRing<TILE.filter_parts>::at(TILE.keeps_filters() ? 0 : i * TILE.parts());
    int last = 0;
    if (TILE.keeps_filters()) wgmma_fence();
    const std::uint32_t row = shared.between(turn);
    // All unrolled: sums whose first product the compiler does not know would be those of the tile before.
#pragma unroll
    for (int part = 0; part < TILE.parts(); ++part, ring.next()) {
        const int r = part / TILE.halves() / 3, s = part / TILE.halves() % 3, half = part % TILE.halves();
        const std::uint64_t weights = wgmma_rows<TILE.row_bytes()>(shared.filter(ring.stage));
        const std::uint64_t pixels = wgmma_rows<TILE.row_bytes()>(row + (r * p.pitch() + s) * TILE.row_bytes());
        if (!TILE.keeps_filters()) {
            mbarrier_wait(shared.filter_full(ring.stage), ring.parity);
            wgmma_fence();
        }
#pragma unroll
        for (int k = 0; k < kSteps; ++k) {
            // The other warpgroup has its first products ready when the last of these are done.
            if (part + 1 == TILE.parts() && k + 1 == kSteps) bar_arrive_if(pass, kWgmmaTurn + 1 - turn, 256);
            // Descriptors count in 16 bytes.
            wgmma_m64k16_f16<TILE.bn>(sums[half].of[0], weights + 2 * k, pixels + 2 * k,
                                      part >= TILE.halves() || k > 0);
        }
        if (TILE.keeps_filters()) continue;
        wgmma_commit();
        wgmma_wait<1>();
        if (part > 0) wgmma_block_release(shared, last);
        last = ring.stage;
    }
    if (TILE.keeps_filters()) wgmma_commit();
    return last;
}

/// The 3x3's sums, with the residual, which is x, to where the copy engine stores them from: mostly x's place.
template <typename SHAPE>
__device__ __forceinline__ void wgmma_block_finish(const WgmmaBlockParams& p, const WgmmaBlockShared<SHAPE>& shared,
                                                   const WgmmaSums<64, SHAPE::kTile.bn>& sums, int i, int half) {
    WgmmaEpilogue epilogue = p.second;
    epilogue.residual = true;  // as the compiler now knows
    const int place = shared.place(i, half);
    const std::uint32_t y = shared.y(i, half);
    const auto finished = [&](int) {
        fence_proxy_async();
        __syncwarp();
        if (threadIdx.x % 32 == 0) mbarrier_arrive(shared.box_finished(place));
    };
    wgmma_finish<Math::fp16, SHAPE::kPlain>(epilogue, sums, y + (p.pitch() + 1) * kWgmmaOutputRow, finished,
                                            shared.y_between(half) ? shared.box(place) - y : 0);
}

constexpr int kWgmmaBlockFiltersRead = 5;  // a barrier of the block, behind those of wgmma_epilogue.cuh

/// One of the two warpgroups that take turns: every other tile of this block.
template <typename SHAPE>
__device__ void wgmma_block_compute(const WgmmaBlockParams& p, const WgmmaBlockShared<SHAPE>& shared, int turn) {
    constexpr WgmmaBlockTile TILE = SHAPE::kTile;
    // Then there is room for the x of this warpgroup's next tile, and registers for its sums.
    constexpr bool kAhead = TILE.keeps_filters();
    const int warp = wgmma_uniform(threadIdx.x / 32 % 4), step = gridDim.x;
    int i = turn, index = blockIdx.x + turn * step;
    mbarrier_wait(shared.first_full(), 0);
    [[maybe_unused]] WgmmaBlockFirstFilters<SHAPE> first_filters;
    if constexpr (TILE.first_whole()) {
        first_filters.load(shared, warp);
        bar_sync(kWgmmaBlockFiltersRead, 256);
    }
    if (index >= p.tiles) return;
    const auto first_of_all = [&] {
        WgmmaBlockFirst<SHAPE> first;
        if constexpr (kAhead)
            first.multiply(shared, i, turn, true, false);
        else
            first.multiply(shared, first_filters, i);
        wgmma_block_between(p, shared, first, index, i, turn, warp);
    };
    if (kAhead) first_of_all();
    if (kAhead) mbarrier_wait(shared.filter_full(0), 0);
    for (; index < p.tiles; index += 2 * step, i += 2) {
        if (!kAhead) first_of_all();
        WgmmaSums<64, TILE.bn> sums[TILE.halves()];
#pragma unroll
        for (int half = 0; half < TILE.halves(); ++half) sums[half].load_bias(p.second, 64 * half);
        // A barrier shows the parity of its phases alone: nobody may wait for one before the last one has ended.
        if (i > 0) bar_sync(kWgmmaTurn + turn, 256);
        const bool other = index + step < p.tiles;
        const int last = wgmma_block_second(p, shared, sums, i, turn, other && !kAhead);
        if constexpr (kAhead) {
            // In the same turn: products that both warpgroups begin at once hold each other up.
            const bool next = index + 2 * step < p.tiles;
            WgmmaBlockFirst<SHAPE> first;
            first.multiply(shared, i + 2, turn, next, other);
            wgmma_wait<TILE.chunks()>();
            wgmma_block_finish(p, shared, sums[0], i, 0);
            if (next)
                wgmma_block_between(p, shared, first, index + 2 * step, i + 2, turn, warp);
            else
                wgmma_wait<0>();
        } else {
            wgmma_block_finish(p, shared, sums[0], i, 0);  // while products of the last part go on
            wgmma_wait<0>();
            wgmma_block_release(shared, last);
            bar_sync(kWgmmaFinished + turn, 128);  // y comes to where all four warps' products have read
            wgmma_block_finish(p, shared, sums[1], i, 1);
        }
    }
}

#endif  // __CUDA_ARCH_FEAT_SM90_ALL

template <typename SHAPE>
__global__ void __launch_bounds__(kWgmmaThreads, 1)
    conv_wgmma_block(const __grid_constant__ WgmmaBlockParams p, const __grid_constant__ WgmmaBlockMaps maps) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    constexpr WgmmaBlockTile TILE = SHAPE::kTile;
    constexpr int kLoadRegisters = 24, kComputeRegisters = 240;  // of 168 on average
    extern __shared__ unsigned char memory[];
    const WgmmaBlockShared<SHAPE> shared{wgmma_align(wgmma_uniform(std::uint32_t(__cvta_generic_to_shared(memory))))};
    griddepcontrol_launch_dependents();
    if (threadIdx.x == 0) {
        prefetch_tensormap(maps.x), prefetch_tensormap(maps.y);
        prefetch_tensormap(maps.first_weights), prefetch_tensormap(maps.second_weights);
    }
    constexpr int kBarriers = kWgmmaBlockBoxes + TILE.filter_parts + 2;
    mbarriers_init<kWgmmaThreads / 32>(kBarriers, [&](int i) {
        if (i < kWgmmaBlockBoxes) {
            mbarrier_init(shared.box_full(i), 1);
            mbarrier_init(shared.box_finished(i), 4);  // by each warp of the warpgroup that had it
        } else if (const int part = i - kWgmmaBlockBoxes; part < TILE.filter_parts) {
            mbarrier_init(shared.filter_full(part), 1);
            mbarrier_init(shared.filter_empty(part), 4);
        } else {
            const int turn = part - TILE.filter_parts;
            mbarrier_init(shared.between_read(turn), 1);
            if (turn == 0) mbarrier_init(shared.first_full(), 1);
        }
    });

    const int warpgroup = wgmma_uniform(threadIdx.x / 128);
    if (warpgroup >= 1) {
        setmaxnreg_inc<kComputeRegisters>();
        wgmma_block_compute<SHAPE>(p, shared, warpgroup - 1);
        return;
    }
    setmaxnreg_dec<kLoadRegisters>();
    const int warp = wgmma_uniform(threadIdx.x / 32);
    if (!elect_one()) return;
    if (warp == 0)
        wgmma_block_move<SHAPE>(p, maps, shared);
    else if (warp == 1)
        wgmma_block_load_filters<SHAPE>(p, maps, shared);
#endif
}

}  // namespace convoy::kernels::cuda
