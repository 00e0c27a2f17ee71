// SPDX-License-Identifier: MIT
//
// The kernel with halos of the Hopper family; wgmma_halo.cu tells how it works. For the file that instantiates it.
#pragma once

#include "kernels/cuda/conv/wgmma_epilogue.cuh"
#include "kernels/cuda/conv/wgmma_halo.cuh"
#include "kernels/cuda/ptx/bar.cuh"
#include "kernels/cuda/ptx/elect.cuh"
#include "kernels/cuda/ptx/griddepcontrol.cuh"
#include "kernels/cuda/ptx/mbarrier.cuh"
#include "kernels/cuda/ptx/tma.cuh"
#include "kernels/cuda/ptx/wgmma.cuh"

namespace convoy::kernels::cuda {

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

/// Where everything lies in shared memory.
template <typename SHAPE>
struct WgmmaHaloShared {
    static constexpr WgmmaHaloTile TILE = SHAPE::kTile;
    std::uint32_t base;

    __device__ std::uint32_t box(int i) const { return base + i * TILE.box_bytes; }
    __device__ std::uint32_t filter(int i) const { return box(TILE.boxes) + i * TILE.part_bytes(); }
    /// Of the i-th tile.
    __device__ std::uint32_t output(int i) const {
        return filter(TILE.filter_parts) + i % TILE.outputs * TILE.output_bytes();
    }
    __device__ std::uint32_t barrier(int i) const {
        return filter(TILE.filter_parts) + TILE.outputs * TILE.output_bytes() + 8 * i;
    }
    __device__ std::uint32_t box_full(int i) const { return barrier(i); }
    __device__ std::uint32_t box_empty(int i) const { return barrier(TILE.boxes + i); }
    __device__ std::uint32_t filter_full(int i) const { return barrier(2 * TILE.boxes + i); }
    __device__ std::uint32_t filter_empty(int i) const { return barrier(2 * TILE.boxes + TILE.filter_parts + i); }
    __device__ std::uint32_t output_full(int turn) const { return barrier(TILE.barriers() - 4 + turn); }
    __device__ std::uint32_t output_empty(int i) const { return barrier(TILE.barriers() - 2 + i % TILE.outputs); }
};

/// Where a tile begins: output channel, column, row, picture.
struct WgmmaHaloPlace {
    int k, q, p, n;

    template <typename SHAPE>
    static __device__ __forceinline__ WgmmaHaloPlace of(const WgmmaHaloParams& params, int tile) {
        const auto [pixels, k] = params.by_k_tiles(params.backwards ? params.tiles - 1 - tile : tile);
        const auto [rows, column] = params.by_columns(pixels);
        const auto [image, row] = params.by_rows(rows);
        return {k * SHAPE::kTile.bm, column * params.tile_w, row * params.tile_h, image};
    }
};

/// One thread: boxes of pixels.
template <typename SHAPE>
__device__ void wgmma_halo_load_boxes(const WgmmaHaloParams& p, const WgmmaMaps& maps,
                                      const WgmmaHaloShared<SHAPE>& shared) {
    constexpr WgmmaHaloTile TILE = SHAPE::kTile;
    WgmmaRing<TILE.boxes> ring;
    griddepcontrol_wait();
    for (int i = blockIdx.x; i < p.tiles; i += gridDim.x) {
        const auto at = WgmmaHaloPlace::of<SHAPE>(p, i);
#pragma unroll 1
        for (int step = 0; step < p.channel_steps; ++step, ring.next()) {
            const std::uint32_t full = shared.box_full(ring.stage);
            mbarrier_wait(shared.box_empty(ring.stage), ring.parity ^ 1);
            mbarrier_arrive_expect_tx(full, p.loaded_bytes);
            tma_load(shared.box(ring.stage), maps.x, step * TILE.bk, at.q - p.pad_w, at.p - p.pad_h, at.n, full);
        }
    }
}

/// One thread: filters, for every tile anew or once.
template <typename SHAPE>
__device__ void wgmma_halo_load_filters(const WgmmaHaloParams& p, const WgmmaMaps& maps,
                                        const WgmmaHaloShared<SHAPE>& shared) {
    constexpr WgmmaHaloTile TILE = SHAPE::kTile;
    WgmmaRing<TILE.filter_parts> ring;
    const int taps = p.taps_r * p.taps_s;
    for (int i = blockIdx.x; i < p.tiles; i += gridDim.x) {
        const int k = WgmmaHaloPlace::of<SHAPE>(p, i).k;
        for (int step = 0; step < p.channel_steps; ++step)
#pragma unroll 1
            for (int tap = 0; tap < taps; ++tap, ring.next()) {
                const std::uint32_t full = shared.filter_full(ring.stage);
                if (!p.keep_filters) mbarrier_wait(shared.filter_empty(ring.stage), ring.parity ^ 1);
                mbarrier_arrive_expect_tx(full, TILE.part_bytes());
                tma_load(shared.filter(ring.stage), maps.weights, tap * p.filter_c + step * TILE.bk, k, full);
            }
        if (p.keep_filters) return;
    }
}

/// One thread: says for tile after tile that the output's memory is free, with the residual in it if there is one.
template <typename SHAPE>
__device__ void wgmma_halo_load_residual(const WgmmaHaloParams& p, const WgmmaMaps& maps,
                                         const WgmmaHaloShared<SHAPE>& shared) {
    constexpr WgmmaHaloTile TILE = SHAPE::kTile;
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
        const auto at = WgmmaHaloPlace::of<SHAPE>(p, index);
        mbarrier_arrive_expect_tx(full, TILE.bm / 64 * p.tile_h * p.tile_w * kWgmmaOutputRow);
        for (int half = 0; half < TILE.bm / 64; ++half)
#pragma unroll 1
            for (int row = 0; row < p.tile_h; ++row)
                tma_load_hinted(shared.output(i) + half * TILE.half_bytes() + row * p.pitch() * kWgmmaOutputRow,
                                maps.residual, at.k + 64 * half, at.q, at.p + row, at.n, full, policy);
    }
}

/// One of the two warpgroups that take turns: every other tile of this block.
template <typename SHAPE>
__device__ void wgmma_halo_compute(const WgmmaHaloParams& p, const WgmmaMaps& maps,
                                   const WgmmaHaloShared<SHAPE>& shared, int turn) {
    constexpr WgmmaHaloTile TILE = SHAPE::kTile;
    constexpr int kHalves = TILE.bm / 64, kSteps = TILE.bk / 16;
    const int warp = wgmma_uniform(threadIdx.x / 32 % 4), step = gridDim.x, taps = p.taps_r * p.taps_s;
    const auto release = [&](std::uint32_t barrier) {
        if (threadIdx.x % 32 == 0) mbarrier_arrive(barrier);
    };
    int i = turn;
    for (int index = blockIdx.x + turn * step; index < p.tiles; index += 2 * step, i += 2) {
        const auto at = WgmmaHaloPlace::of<SHAPE>(p, index);
        WgmmaSums<TILE.bm, TILE.bn> sums;
        sums.load_bias(p.epilogue, at.k);
        auto boxes = WgmmaRing<TILE.boxes>::at(i * p.channel_steps);
        auto filters = WgmmaRing<TILE.filter_parts>::at(p.keep_filters ? 0 : i * p.channel_steps * taps);
        // A barrier shows the parity of its phases alone: nobody may wait for one before the last one has ended.
        if (i > 0) bar_sync(kWgmmaTurn + turn, 256);
        int left = index + step < p.tiles ? p.channel_steps * taps : 0;  // parts until the other's turn
        bool first = true;
        int last = 0;
        for (int box = 0; box < p.channel_steps; ++box) {
            mbarrier_wait(shared.box_full(boxes.stage), boxes.parity);
            std::uint32_t row = shared.box(boxes.stage);
            for (int r = 0; r < p.taps_r; ++r, row += (p.pitch() - p.taps_s) * TILE.row_bytes())
                for (int s = 0; s < p.taps_s; ++s, row += TILE.row_bytes()) {
                    const std::uint64_t weights = wgmma_rows<TILE.row_bytes()>(shared.filter(filters.stage));
                    const std::uint64_t pixels = wgmma_rows<TILE.row_bytes()>(row);
                    mbarrier_wait(shared.filter_full(filters.stage), filters.parity);
                    wgmma_fence();
                    --left;
#pragma unroll
                    for (int k = 0; k < kSteps; ++k) {
                        // The other warpgroup has its first products ready when the last of these are done.
                        if (k + 1 == kSteps) bar_arrive_if(left == 0, kWgmmaTurn + 1 - turn, 256);
#pragma unroll
                        for (int half = 0; half < kHalves; ++half)
                            // Descriptors count in 16 bytes.
                            wgmma_m64k16_f16<TILE.bn>(sums.of[half],
                                                      weights + half * 64 * TILE.row_bytes() / 16 + 2 * k,
                                                      pixels + 2 * k, !first || k > 0);
                    }
                    wgmma_commit();
                    wgmma_wait<1>();
                    if (!first && !p.keep_filters) release(shared.filter_empty(last));
                    first = false;
                    last = filters.stage;
                    filters.next();
                    // All but the product just begun are done with the box before.
                    if (box > 0 && r == 0 && s == 0)
                        release(shared.box_empty(boxes.stage == 0 ? TILE.boxes - 1 : boxes.stage - 1));
                }
            boxes.next();
        }
        wgmma_wait<0>();
        if (!p.keep_filters) release(shared.filter_empty(last));
        release(shared.box_empty(boxes.stage == 0 ? TILE.boxes - 1 : boxes.stage - 1));

        mbarrier_wait(shared.output_full(turn), i / 2 & 1);
        const std::uint32_t output = shared.output(i);
        wgmma_finish<Math::fp16, SHAPE::kPlain>(p.epilogue, sums, output, [&](int half) {
            fence_proxy_async();
            bar_sync(kWgmmaFinished + turn, 128);
            if (warp == 0 && elect_one()) {
#pragma unroll 1
                for (int r = 0; r < p.tile_h; ++r)
                    tma_store(maps.y, at.k + 64 * half, at.q, at.p + r, at.n,
                              output + half * TILE.half_bytes() + r * p.pitch() * kWgmmaOutputRow);
                tma_store_commit();
            }
            __syncwarp();
        });
        if (warp == 0 && elect_one()) {  // the same thread
            tma_store_wait_read();
            mbarrier_arrive(shared.output_empty(i));
        }
    }
}

#endif  // __CUDA_ARCH_FEAT_SM90_ALL

template <typename SHAPE>
__global__ void __launch_bounds__(kWgmmaThreads, 1)
    conv_wgmma_halo(const __grid_constant__ WgmmaHaloParams p, const __grid_constant__ WgmmaMaps maps) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    constexpr WgmmaHaloTile TILE = SHAPE::kTile;
    constexpr int kLoadRegisters = 40, kComputeRegisters = 232;  // of 168 on average
    extern __shared__ unsigned char memory[];
    const WgmmaHaloShared<SHAPE> shared{wgmma_align(wgmma_uniform(std::uint32_t(__cvta_generic_to_shared(memory))))};
    griddepcontrol_launch_dependents();
    if (threadIdx.x == 0) prefetch_tensormap(maps.x), prefetch_tensormap(maps.weights), prefetch_tensormap(maps.y);
    constexpr int kBarriers = TILE.boxes + TILE.filter_parts + 2;
    mbarriers_init<kWgmmaThreads / 32>(kBarriers, [&](int i) {
        if (i < TILE.boxes) {
            mbarrier_init(shared.box_full(i), 1);
            mbarrier_init(shared.box_empty(i), 4);  // by each warp of the warpgroup that had it
        } else if (const int part = i - TILE.boxes; part < TILE.filter_parts) {
            mbarrier_init(shared.filter_full(part), 1);
            mbarrier_init(shared.filter_empty(part), 4);
        } else {
            const int output = part - TILE.filter_parts;
            mbarrier_init(shared.output_full(output), 1);
            if (output < TILE.outputs) mbarrier_init(shared.output_empty(output), 1);
        }
    });

    const int warpgroup = wgmma_uniform(threadIdx.x / 128);
    if (warpgroup >= 1) {
        setmaxnreg_inc<kComputeRegisters>();
        wgmma_halo_compute<SHAPE>(p, maps, shared, warpgroup - 1);
        return;
    }
    setmaxnreg_dec<kLoadRegisters>();
    const int warp = wgmma_uniform(threadIdx.x / 32);
    if (!elect_one()) return;
    if (warp == 0)
        wgmma_halo_load_boxes<SHAPE>(p, maps, shared);
    else if (warp == 1)
        wgmma_halo_load_filters<SHAPE>(p, maps, shared);
    else if (warp == 2)
        wgmma_halo_load_residual<SHAPE>(p, maps, shared);
#endif
}

template <typename SHAPE>
WgmmaHaloKernel wgmma_halo_kernel(bool plain) {
    return plain ? conv_wgmma_halo<WgmmaPlain<SHAPE>> : conv_wgmma_halo<SHAPE>;
}

}  // namespace convoy::kernels::cuda
