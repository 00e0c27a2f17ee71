// SPDX-License-Identifier: MIT
//
// The kernel for few pixels of the Hopper family; wgmma_share.cu tells how it works. For the file that instantiates it.
#pragma once

#include <algorithm>

#include "kernels/cuda/conv/wgmma_share_store.cuh"
#include "kernels/cuda/ptx/bar.cuh"
#include "kernels/cuda/ptx/elect.cuh"
#include "kernels/cuda/ptx/griddepcontrol.cuh"
#include "kernels/cuda/ptx/mbarrier.cuh"
#include "kernels/cuda/ptx/tma.cuh"
#include "kernels/cuda/ptx/wgmma.cuh"

namespace convoy::kernels::cuda {

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

/// A place in a ring whose size only the launch knows.
struct ShareRing {
    int places, at = 0, parity = 0;

    explicit __device__ ShareRing(int size) : places(size) {}
    __device__ __forceinline__ void next() {
        if (++at < places) return;
        at = 0, parity ^= 1;
    }
};

/// Where everything lies in shared memory: stages, each of filters and where there is no halo boxes, then boxes with
/// halos. Outputs replace them all, except for those that come from other blocks, at any time: they have their own
/// place.
template <int BK_, ShareKind KIND>
struct ShareMemory {
    static constexpr int BK = BK_;
    static constexpr int kRowBytes = 2 * BK, kFilterBytes = kShareChannels * kRowBytes;
    const WgmmaShareParams& p;
    std::uint32_t base, barriers;

    __device__ int stage_bytes() const { return p.group * (kFilterBytes + (p.has_halo<KIND>() ? 0 : p.box_bytes)); }
    __device__ std::uint32_t filter(int stage, int i) const { return base + stage * stage_bytes() + i * kFilterBytes; }
    __device__ std::uint32_t box(int stage, int i) const { return filter(stage, p.group) + i * p.box_bytes; }
    __device__ std::uint32_t halo(int i) const { return base + p.stages * stage_bytes() + i * p.box_bytes; }
    __device__ std::uint32_t full(int stage) const { return barriers + 8 * stage; }
    __device__ std::uint32_t empty(int stage) const { return empty_of(full(stage)); }
    static __device__ std::uint32_t empty_of(std::uint32_t full) { return full + 8 * kShareMaxStages; }
    __device__ std::uint32_t halo_full(int i) const { return full(2 * kShareMaxStages + i); }
    __device__ std::uint32_t halo_empty(int i) const { return halo_full(kShareMaxHalos + i); }
    __device__ std::uint32_t arrived() const { return full(kShareBarriers - 1); }  // other blocks' sums
};

/// A part of K: its channels, its tap.
struct SharePart {
    int step, r, s;

    static __device__ __forceinline__ SharePart of(const WgmmaShareParams& p, int i) {
        const auto [step, tap] = p.by_taps(i);
        const auto [r, s] = p.by_taps_s(tap);
        return {step, r, s};
    }
    __device__ __forceinline__ void next(const WgmmaShareParams& p) {
        if (++s < p.taps_s) return;
        s = 0;
        if (++r * p.taps_s < p.taps) return;
        r = 0, ++step;
    }
};

/// One thread: filters. Nobody computes them, so they come while the kernel before still runs.
template <typename Memory>
__device__ void share_load_filters(const WgmmaShareParams& p, const CUtensorMap& map, const Memory& memory,
                                   const ShareTask& task) {
    ShareRing ring(p.stages);
    SharePart part = SharePart::of(p, task.first);
    for (int i = task.first; i < task.end; i += p.group, ring.next()) {
        const std::uint32_t full = memory.full(ring.at);
        const int parts = min(p.group, task.end - i);
        mbarrier_wait(memory.empty(ring.at), ring.parity ^ 1);
        mbarrier_arrive_expect_tx(full, parts * memory.kFilterBytes);
#pragma unroll 1
        for (int g = 0; g < parts; ++g, part.next(p))
            tma_load(memory.filter(ring.at, g), map, (part.r * p.taps_s + part.s) * p.filter_c + part.step * Memory::BK,
                     task.k, full);
    }
}

/// One thread: rectangles with their halos, one for all taps of BK channels. All that is not a copy comes before the
/// wait for the layer before: the first places are free, and their barriers may know what is to come.
template <typename Memory>
__device__ void share_load_halos(const WgmmaShareParams& p, const CUtensorMap& map, const Memory& memory,
                                 const ShareTask& task) {
    ShareRing ring(p.boxes);
    const int first = SharePart::of(p, task.first).step, end = SharePart::of(p, task.end - 1).step + 1;
    const int at_once = min(end - first, p.boxes), column = task.column - p.pad_w, row = task.row - p.pad_h;
    static_assert(kShareMaxHalos == 2);
    mbarrier_arrive_expect_tx(memory.halo_full(0), p.loaded_bytes);
    if (at_once > 1) mbarrier_arrive_expect_tx(memory.halo_full(1), p.loaded_bytes);
    griddepcontrol_wait();
    tma_load(memory.halo(0), map, first * Memory::BK, column, row, task.n, memory.halo_full(0));
    if (at_once > 1) tma_load(memory.halo(1), map, (first + 1) * Memory::BK, column, row, task.n, memory.halo_full(1));
    int place = 0, parity = 0;  // of those that were given back
#pragma unroll 1
    for (int step = first + at_once; step < end; ++step) {
        const std::uint32_t full = memory.halo_full(place);
        mbarrier_wait(memory.halo_empty(place), parity);
        mbarrier_arrive_expect_tx(full, p.loaded_bytes);
        tma_load(memory.halo(place), map, step * Memory::BK, column, row, task.n, full);
        if (++place == p.boxes) place = 0, parity ^= 1;
    }
}

/// One thread: of a single tap, rows of pixels for all parts of a stage in one copy. The same goes for it.
template <typename Memory>
__device__ void share_load_blocks(const WgmmaShareParams& p, const CUtensorMap& map, const Memory& memory,
                                  const ShareTask& task) {
    const int bytes = p.group * p.loaded_bytes, at_once = min(task.end, task.first + p.stages * p.group);
#pragma unroll 1
    for (int i = task.first, stage = 0; i < at_once; i += p.group, ++stage)
        mbarrier_arrive_expect_tx(memory.full(stage), bytes);
    griddepcontrol_wait();
    tma_load(memory.box(0, 0), map, 0, task.column, task.first, 0, memory.full(0));
#pragma unroll 1
    for (int i = task.first + p.group, stage = 1; i < at_once; i += p.group, ++stage)
        tma_load(memory.box(stage, 0), map, 0, task.column, i, 0, memory.full(stage));
    int place = 0, parity = 0;  // of those that were given back
#pragma unroll 1
    for (int i = at_once; i < task.end; i += p.group) {
        mbarrier_wait(memory.empty(place), parity);
        mbarrier_arrive_expect_tx(memory.full(place), bytes);
        tma_load(memory.box(place, 0), map, 0, task.column, i, 0, memory.full(place));
        if (++place == p.stages) place = 0, parity ^= 1;
    }
}

/// One thread: a row of pixels for every part. The same goes for it.
template <typename Memory>
__device__ void share_load_rows(const WgmmaShareParams& p, const CUtensorMap& map, const Memory& memory,
                                const ShareTask& task) {
    ShareRing ring(p.stages);
    SharePart part = SharePart::of(p, task.first);
    const auto [image, in_image] = p.by_pq(task.column);
    const auto [row, column] = p.output.by_q(in_image);
    Im2colStart at{0, column * p.stride_w - p.pad_w, row * p.stride_h - p.pad_h, image, 0, 0};
    const int at_once = min(task.end, task.first + p.stages * p.group);
#pragma unroll 1
    for (int i = task.first, stage = 0; i < at_once; i += p.group, ++stage)
        mbarrier_arrive_expect_tx(memory.full(stage), min(p.group, task.end - i) * p.loaded_bytes);
    griddepcontrol_wait();
    for (int i = task.first; i < task.end; i += p.group, ring.next()) {
        const std::uint32_t full = memory.full(ring.at);
        const int parts = min(p.group, task.end - i);
        if (i >= at_once) {
            mbarrier_wait(memory.empty(ring.at), ring.parity ^ 1);
            mbarrier_arrive_expect_tx(full, parts * p.loaded_bytes);
        }
#pragma unroll 1
        for (int g = 0; g < parts; ++g, part.next(p)) {
            at.c = part.step * Memory::BK;
            at.tap_w = std::uint16_t(part.s * p.dilation), at.tap_h = std::uint16_t(part.r * p.dilation);
            tma_load_im2col(memory.box(ring.at, g), map, at, full);
        }
    }
}

/// Sums of the warpgroup.
template <int BN, int BK>
struct ShareSums {
    static constexpr int kSets = std::min(wgmma_sets(BN), BK / 16);
    float sets[kSets][BN / 2];
    bool begun = false;

    /// Adds the products of `PARTS` parts, whose rows of pixels lie `step` bytes apart. Unrolled, since what it takes
    /// to issue a product weighs as much as the product.
    template <int PARTS>
    __device__ __forceinline__ void add(std::uint32_t filter, std::uint32_t row, int step) {
        constexpr int kRowBytes = 2 * BK, kFilterBytes = kShareChannels * kRowBytes;
        const std::uint64_t weights = wgmma_rows<kRowBytes>(filter), pixels = wgmma_rows<kRowBytes>(row);
        wgmma_fence();
#pragma unroll
        for (int part = 0; part < PARTS; ++part)
#pragma unroll
            for (int k = 0; k < BK / 16; ++k)
                wgmma_m64k16_f16<BN>(sets[k % kSets], wgmma_along(weights, part * kFilterBytes + 32 * k),
                                     wgmma_along(pixels, part * step + 32 * k), begun || part > 0 || k >= kSets);
        wgmma_commit();
        begun = true;
    }

    __device__ __forceinline__ void unite(float (&sums)[BN / 2]) const {
#pragma unroll
        for (int i = 0; i < BN / 2; ++i) {
            sums[i] = sets[0][i];
#pragma unroll
            for (int set = 1; set < kSets; ++set) sums[i] += sets[set][i];
        }
    }
};

/// One thread of each warp: says that what lies there has been read.
__device__ __forceinline__ void share_release(std::uint32_t barrier) {
    if (threadIdx.x % 32 == 0) mbarrier_arrive(barrier);
}

/// What all threads of a warp have alike. By a shuffle: addresses of operands stay in uniform registers where nvcc sees
/// that, and what lies in shared memory is not asked of the block's place in its cluster again and again.
template <typename T>
__device__ __forceinline__ T share_uniform(T value) {
    return __shfl_sync(~0u, value, 0);
}

/// The warpgroup that multiplies, where every part has its row of pixels.
template <int BN, typename Memory>
__device__ __forceinline__ void share_multiply_rows(const WgmmaShareParams& p, const Memory& memory,
                                                    const ShareTask& task, ShareSums<BN, Memory::BK>& sums) {
    constexpr int kBox = share_box_bytes(BN, Memory::BK);
    ShareRing ring(p.stages);
    int last = 0;
    for (int i = task.first; i < task.end; i += p.group) {
        const int parts = min(p.group, task.end - i);
        const std::uint32_t filter = memory.filter(ring.at, 0), row = memory.box(ring.at, 0);
        mbarrier_wait(memory.full(ring.at), ring.parity);
        if (parts == 4)
            sums.template add<4>(filter, row, kBox);
        else if (parts == 2)
            sums.template add<2>(filter, row, kBox);
        else
#pragma unroll 1
            for (int g = 0; g < parts; ++g)
                sums.template add<1>(filter + g * memory.kFilterBytes, row + g * kBox, kBox);
        if (i > task.first) {
            wgmma_wait<1>();  // the stage before has been read
            share_release(memory.empty(last));
        }
        last = ring.at;
        ring.next();
    }
}

/// The same where a rectangle with its halo serves all taps, and a part is a stage. Tensor cores have but two products
/// to do while this thread does anything else, so that it does as little as it can between two of them.
template <int BN, typename Memory>
__device__ __forceinline__ void share_multiply_halos(const WgmmaShareParams& p, const Memory& memory,
                                                     const ShareTask& task, ShareSums<BN, Memory::BK>& sums) {
    const std::uint32_t first_filter = memory.filter(0, 0), first_full = memory.full(0),
                        end_full = memory.full(p.stages);
    std::uint32_t filter = first_filter, full = first_full, last_full = 0;
    int parity = 0;
    ShareRing halo(p.boxes);
    SharePart part = SharePart::of(p, task.first);
    bool new_halo = true;
    for (int i = task.first; i < task.end;) {
        const int last_halo = halo.at == 0 ? p.boxes - 1 : halo.at - 1;
        if (new_halo) mbarrier_wait(memory.halo_full(halo.at), halo.parity);
        const std::uint32_t row = memory.halo(halo.at) + (part.r * p.pitch + part.s) * Memory::kRowBytes;
        const auto multiply = [&](int tap) {
            mbarrier_wait(full, parity);
            sums.template add<1>(filter, row + tap * Memory::kRowBytes, 0);
            if (last_full != 0) {
                wgmma_wait<1>();  // the part before has been read
                share_release(Memory::empty_of(last_full));
            }
            last_full = full;
            filter += Memory::kFilterBytes, full += 8;
            if (full == end_full) filter = first_filter, full = first_full, parity ^= 1;
        };
        const int taps = p.taps_s == 3 && part.s == 0 && i + 3 <= task.end ? 3 : 1;
        multiply(0);
        if (new_halo && i > task.first) share_release(memory.halo_empty(last_halo));
        if (taps == 3) multiply(1), multiply(2);
        i += taps, part.s += taps;
        new_halo = false;
        if (part.s < p.taps_s) continue;
        part.s = 0;
        if (++part.r * p.taps_s < p.taps) continue;
        part.r = 0, new_halo = true;
        halo.next();
    }
}

template <int BN, int SPLITS, ShareKind KIND, typename Memory>
__device__ __forceinline__ void share_begin_barriers(const WgmmaShareParams& p, const Memory& memory, int rank) {
    mbarriers_init<kShareThreads / 32>(p.stages + p.boxes + (SPLITS > 1), [&](int i) {
        if (i < p.stages) {
            mbarrier_init(memory.full(i), p.has_halo<KIND>() ? 1 : 2);  // filters, rows
            mbarrier_init(memory.empty(i), 4);                          // by each warp that reads it
        } else if (i < p.stages + p.boxes) {
            mbarrier_init(memory.halo_full(i - p.stages), 1);
            mbarrier_init(memory.halo_empty(i - p.stages), 4);
        } else {
            const int groups = share_first_group(BN, SPLITS, rank + 1) - share_first_group(BN, SPLITS, rank);
            mbarrier_init(memory.arrived(), 1);
            mbarrier_arrive_expect_tx(memory.arrived(), (SPLITS - 1) * groups * kShareGroupBytes);
        }
    });
}

#endif  // __CUDA_ARCH_FEAT_SM90_ALL

template <int BN, int BK, int SPLITS, ShareKind KIND>
__global__ void __launch_bounds__(kShareThreads, 2)
    conv_wgmma_share(const __grid_constant__ WgmmaShareParams p, const __grid_constant__ WgmmaShareMaps maps) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    extern __shared__ unsigned char shared[];
    __shared__ std::uint64_t barriers[kShareBarriers];
    griddepcontrol_launch_dependents();
    const std::uint32_t start = share_uniform(std::uint32_t(__cvta_generic_to_shared(shared)));
    const std::uint32_t base = share_align(start);
    const ShareMemory<BK, KIND> memory{p, base, share_uniform(std::uint32_t(__cvta_generic_to_shared(barriers)))};
    const ShareTask task = ShareTask::of<BN, KIND>(p);
    if (threadIdx.x == kShareWarpgroup) prefetch_tensormap(maps.x), prefetch_tensormap(maps.weights);
    const unsigned warp = share_uniform(threadIdx.x / 32);
    share_begin_barriers<BN, SPLITS, KIND>(p, memory, task.rank);
    if (SPLITS > 1) barrier_cluster_arrive_relaxed();  // others may send: they wait for this before they multiply

    if (warp < kShareWarpgroup / 32) {
        using Finish = ShareFinish<BN, SPLITS, KIND>;
        Finish finish;
        finish.prepare(p, task);
        __syncwarp();
        if (SPLITS > 1) barrier_cluster_wait();
        finish.begin(p);
        ShareSums<BN, BK> sums;
        if (p.has_halo<KIND>())
            share_multiply_halos<BN>(p, memory, task, sums);
        else
            share_multiply_rows<BN>(p, memory, task, sums);
        wgmma_wait<0>();
        float own[BN / 2];
        sums.unite(own);
        const std::uint32_t outputs = base + warp * share_warp_bytes(BN, SPLITS);
        if constexpr (SPLITS == 1) {
            bar_sync(1, kShareWarpgroup);  // all have read what the outputs replace
            finish.turn_residual(p, outputs);
            finish.run(p, own, outputs);
        } else {
            constexpr std::make_integer_sequence<int, SPLITS> blocks;
            share_send<BN, SPLITS>(own, base + p.inbox, memory.arrived(), task.rank, blocks);
            bar_sync(1, kShareWarpgroup);
            finish.turn_residual(p, outputs);
            mbarrier_wait_cluster(memory.arrived(), 0);
            float all[Finish::kSums];
            share_unite<BN, SPLITS>(own, shared + (base - start) + p.inbox, task.rank, all, blocks);
            finish.run(p, all, outputs);
        }
    } else {
        if (elect_one()) {
            if (warp == kShareWarpgroup / 32)
                share_load_filters(p, maps.weights, memory, task);
            else if (p.has_halo<KIND>())
                share_load_halos(p, maps.x, memory, task);
            else if (p.blocks)
                share_load_blocks(p, maps.x, memory, task);
            else
                share_load_rows(p, maps.x, memory, task);
        }
        __syncwarp();
        if (SPLITS > 1) barrier_cluster_wait();
    }
#endif
}

template <int BN, int BK, int SPLITS, ShareKind KIND>
WgmmaShareKernel wgmma_share_kernel() {
    return conv_wgmma_share<BN, BK, SPLITS, KIND>;
}

}  // namespace convoy::kernels::cuda
