// SPDX-License-Identifier: MIT
//
// The kernel for a network's first two layers; wgmma_stem.cu tells how it works. For the file that instantiates it.
#pragma once

#include "kernels/cuda/conv/wgmma_epilogue.cuh"
#include "kernels/cuda/conv/wgmma_stem.cuh"
#include "kernels/cuda/ptx/bar.cuh"
#include "kernels/cuda/ptx/elect.cuh"
#include "kernels/cuda/ptx/griddepcontrol.cuh"
#include "kernels/cuda/ptx/mbarrier.cuh"
#include "kernels/cuda/ptx/tma.cuh"
#include "kernels/cuda/ptx/wgmma.cuh"

namespace convoy::kernels::cuda {

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

/// Where everything lies in shared memory.
struct WgmmaStemShared {
    using Tile = WgmmaStemTile;
    static constexpr int kGroups = WgmmaStemBlock::kWarpgroups;
    std::uint32_t base;

    __device__ std::uint32_t filter(int tap) const { return base + tap * Tile::kFilterBytes; }
    __device__ std::uint32_t planes(int group) const { return filter(Tile::kTaps) + group * Tile::kPlanesBytes; }
    /// Where planes of odd rows are, which wait until it has left.
    __device__ std::uint32_t output(int group) const { return planes(group) + Tile::between(1, 0); }
    __device__ std::uint32_t picture(int group) const { return planes(kGroups) + group * Tile::kPictureBytes; }
    __device__ std::uint32_t filters_full() const { return picture(kGroups); }
    __device__ std::uint32_t picture_full(int group) const { return filters_full() + 8 + 8 * group; }
};

/// Where a tile begins: column and row of the output, picture.
struct WgmmaStemPlace {
    int q, p, n;

    static __device__ __forceinline__ WgmmaStemPlace of(const WgmmaStemParams& params, int tile) {
        const auto [rows, column] = params.by_columns(params.backwards ? params.tiles - 1 - tile : tile);
        const auto [image, row] = params.by_rows(rows);
        return {column * params.tile_w, row * WgmmaStemTile::kRows, image};
    }
};

template <Activation ACTIVATION>
__device__ __forceinline__ auto wgmma_stem_activation(float slope) {
    if constexpr (is_quotient(ACTIVATION))
        return WgmmaQuotient<ACTIVATION>();
    else
        return WgmmaSlope{slope};
}

/// The first layer's filters as a warp multiplies them: rows of a product are 16 channels of one column of two next to
/// each other, K is four columns of the picture, of which three are the filter's and the fourth is zero.
struct WgmmaStemFilters {
    std::uint32_t of[3][4];  // [row of the filter]
    float bias[2];

    __device__ __forceinline__ void load(const WgmmaStemParams& p) {
        const int warp = threadIdx.x / 32 % 4, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
#pragma unroll
        for (int i = 0; i < 12; ++i) {
            const int row = i / 4, channel = warp % 2 * 16 + i % 2 * 8 + g, column = i % 4 / 2 * 2 + t / 2 - warp / 2;
            const bool inside = channel < p.between && unsigned(column) < 3;
            const auto* halves = static_cast<const std::uint32_t*>(p.weights) + (channel * 9 + row * 3 + column) * 2;
            of[row][i % 4] = inside ? __ldg(halves + t % 2) : 0;
            if (row == 0 && i < 2) bias[i] = channel < p.between ? __ldg(p.bias + channel) : 0;
        }
    }
};

/// The picture under a tile to shared memory. Columns are elements to the copy engine, rows are its columns.
__device__ __forceinline__ void wgmma_stem_load(const WgmmaStemMaps& maps, const WgmmaStemPlace& at,
                                                std::uint32_t picture, std::uint32_t full) {
    mbarrier_arrive_expect_tx(full, WgmmaStemTile::kPictureBox);
    tma_load(picture, maps.x, 4 * (2 * at.q - 2), 2 * at.p - 2, at.n, 0, full);
}

/// The first layer, of a tile, whose pixels are 17 rows of 16 pairs. Half of all columns at a time, and of that every
/// other row: while those are multiplied, the ones before are finished.
template <typename Act>
class WgmmaStemFirst {
    using Tile = WgmmaStemTile;
    static constexpr int kEven = Tile::kRows + 1, kOdd = Tile::kRows;  // rows
    static constexpr int kPair = 2 * Tile::kPixelBytes;

public:
    __device__ __forceinline__ WgmmaStemFirst(const WgmmaStemParams& p, std::uint32_t picture, std::uint32_t planes,
                                              Act activation)
        : p_(p),
          activation_(activation),
          picture_(wgmma_matrices(picture, kPair, 2 * Tile::kPictureRow)),
          planes_(planes) {
        filters_.load(p);
        // Of four matrices at once: 16 channels of 8 pixels of a plane, of its row and the next.
        const int warp = threadIdx.x / 32 % 4, lane = threadIdx.x % 32;
        const int vector = warp % 2 * 2 + lane / 8 % 2, pixel = lane % 8;
        for (int odd = 0; odd < 2; ++odd)
            matrices_[odd] =
                planes + Tile::between(odd + lane / 16 * 2, warp / 2 + 2 * pixel) + ((vector ^ pixel / 2) << 4);
    }

    /// Says wait_for_odd() before planes of odd rows are written.
    template <typename Synchronize, typename WaitForOdd>
    __device__ __forceinline__ void run(const WgmmaStemPlace& at, Synchronize synchronize, WaitForOdd wait_for_odd) {
        float even[2][kEven * 4], odd[2][kOdd * 4];  // of both halves
        multiply(even[0], 0, 0), multiply(even[1], 0, 1);
        wgmma_wait<1>(), finish(even[0], 0, 0);
        multiply(odd[0], 1, 0);
        wgmma_wait<1>(), finish(even[1], 0, 1);
        multiply(odd[1], 1, 1);
        wait_for_odd();
        wgmma_wait<1>(), finish(odd[0], 1, 0);
        wgmma_wait<0>(), finish(odd[1], 1, 1);
        const int h = 2 * at.p - 1, w = 2 * at.q - 1;  // of the tile's first pixel
        if (h >= 0 && w >= 0 && h + Tile::kBetweenRows <= p_.h && w + Tile::kBetweenColumns <= p_.w) return;
        synchronize();
        clear(h, w);
    }

private:
    template <int SUMS>
    __device__ __forceinline__ void multiply(float (&sums)[SUMS], int first_row, int half) const {
        wgmma_fence();
#pragma unroll
        for (int step = 0; step < 3; ++step)
            wgmma_m64k16_f16<2 * SUMS>(sums, filters_.of[step],
                                       wgmma_along(picture_, (first_row + step) * Tile::kPictureRow + half * 8 * kPair),
                                       step > 0);
        wgmma_commit();
    }
    template <int SUMS>
    __device__ __forceinline__ void finish(float (&sums)[SUMS], int first_row, int half) const {
        wgmma_arrived(sums);
#pragma unroll
        for (int row = 0; row < SUMS / 4; row += 2) {
            const bool alone = row + 1 == SUMS / 4;
            std::uint32_t out[4];
#pragma unroll
            for (int i = 0; i < (alone ? 2 : 4); ++i) {
                const float* two = &sums[4 * row + 2 * i];
                float2 v{two[0] + filters_.bias[i % 2], two[1] + filters_.bias[i % 2]};
                activation_(v.x, v.y);
                const __half2 halves = __float22half2_rn(v);
                out[i] = reinterpret_cast<const std::uint32_t&>(halves);
            }
            const std::uint32_t to = matrices_[first_row] + Tile::between(2 * row, 16 * half);
            if (alone)
                stmatrix_x2_trans(to, out);
            else
                stmatrix_x4_trans(to, out);
        }
    }
    /// What is outside of the picture: the second layer's padding is zero.
    __device__ __forceinline__ void clear(int h, int w) const {
        const int column = threadIdx.x % 32;
        for (int row = threadIdx.x % 128 / 32; row < Tile::kBetweenRows; row += 4)
            if (unsigned(h + row) >= unsigned(p_.h) || unsigned(w + column) >= unsigned(p_.w))
                for (int vector = 0; vector < 4; ++vector)
                    st_shared_v4(planes_ + Tile::between(row, column) + 16 * vector, {});
    }

    const WgmmaStemParams& p_;
    const Act activation_;
    WgmmaStemFilters filters_;
    std::uint64_t picture_;
    std::uint32_t planes_, matrices_[2];
};

/// The second layer's products, of a tile. Filters of some are kept in registers, evenly spread: shared memory has less
/// time to spare than tensor cores.
class WgmmaStemSecond {
    using Tile = WgmmaStemTile;
    static constexpr int kKept = WgmmaStemBlock::kKept;
    static constexpr int kTapSteps = Tile::kSteps / Tile::kTaps;

public:
    __device__ __forceinline__ WgmmaStemSecond(std::uint32_t filters, std::uint32_t planes)
        : weights_(wgmma_rows<Tile::kBetweenRow>(filters)), pixels_(wgmma_rows<Tile::kBetweenRow>(planes)) {
        const int lane = threadIdx.x % 32, row = threadIdx.x % 128 / 32 * 16 + lane % 16;
#pragma unroll
        for (int step = 0; step < Tile::kSteps; ++step) {
            if (!is_kept(step)) continue;
            const int vector = step % kTapSteps * 2 + lane / 16;
            std::uint32_t(&to)[4] = kept_[place(step)];
            ldmatrix_x4(to[0], to[1], to[2], to[3],
                        filters + step / kTapSteps * Tile::kFilterBytes + row * Tile::kBetweenRow +
                            ((vector ^ row / 2 % 4) << 4));
        }
    }

    __device__ __forceinline__ void run(WgmmaSums<64, Tile::kSums>& sums) const {
        wgmma_fence();
#pragma unroll
        for (int step = 0; step < Tile::kSteps; ++step) {
            const int tap = step / kTapSteps, k = step % kTapSteps * 32;
            const std::uint64_t pixels = wgmma_along(pixels_, Tile::between(tap / 3, tap % 3) + k);
            if (is_kept(step))
                wgmma_m64k16_f16<Tile::kSums>(sums.of[0], kept_[place(step)], pixels, step > 0);
            else
                wgmma_m64k16_f16<Tile::kSums>(sums.of[0], wgmma_along(weights_, tap * Tile::kFilterBytes + k), pixels,
                                              step > 0);
        }
        wgmma_commit();
        wgmma_wait<0>();
    }

private:
    static constexpr __device__ int place(int step) { return step * kKept / Tile::kSteps; }
    static constexpr __device__ bool is_kept(int step) { return place(step + 1) > place(step); }

    std::uint64_t weights_, pixels_;
    std::uint32_t kept_[kKept][4];
};

/// One warpgroup, with every so many of the tiles.
template <Activation ACTIVATION>
__device__ void wgmma_stem_compute(const WgmmaStemParams& p, const WgmmaStemMaps& maps, const WgmmaStemShared& shared,
                                   int group) {
    using Tile = WgmmaStemTile;
    const bool copies = wgmma_uniform(threadIdx.x / 32 % 5) == 0;  // one of four, each time of another scheduler
    const int step = WgmmaStemBlock::kWarpgroups * gridDim.x;
    const std::uint32_t picture = shared.picture(group), planes = shared.planes(group), output = shared.output(group);
    const auto synchronize = [&] { bar_sync(1 + group, 128); };
    const auto load = [&](int tile) {
        if (tile < p.tiles && copies && elect_one())
            wgmma_stem_load(maps, WgmmaStemPlace::of(p, tile), picture, shared.picture_full(group));
        __syncwarp();
    };
    const auto wait_until_stored = [&] {
        if (copies && elect_one()) tma_store_wait_read();  // always the same thread
        __syncwarp();
    };
    WgmmaStemFirst first(p, picture, planes, wgmma_stem_activation<ACTIVATION>(p.slope));
    WgmmaSums<64, Tile::kSums> sums;
    sums.load_bias(p.epilogue, 0);

    int tile = blockIdx.x + group * gridDim.x;
    griddepcontrol_wait();
    load(tile);
    mbarrier_wait(shared.filters_full(), 0);  // its only phase
    const WgmmaStemSecond second(shared.filter(0), planes);
    for (int parity = 0; tile < p.tiles; tile += step, parity ^= 1) {
        mbarrier_wait(shared.picture_full(group), parity);
        const auto at = WgmmaStemPlace::of(p, tile);  // once more each time, rather than remembered
        first.run(at, synchronize, [&] { wait_until_stored(), synchronize(); });
        fence_proxy_async();
        synchronize();
        load(tile + step);
        second.run(sums);
        synchronize();  // all four warps' products have read what is now written
        wgmma_write<false>(sums, output, wgmma_stem_activation<ACTIVATION>(p.second_slope), WgmmaAsIs(), [&](int) {
            fence_proxy_async();
            synchronize();
            if (copies && elect_one()) {
                const auto here = WgmmaStemPlace::of(p, tile);
                for (int row = 0; row < Tile::kRows; ++row)
                    tma_store(maps.y, 0, here.q, here.p + row, here.n, output + row * Tile::kPitch * kWgmmaOutputRow);
                tma_store_commit();
            }
            __syncwarp();
        });
    }
    wait_until_stored();
}

#endif  // __CUDA_ARCH_FEAT_SM90_ALL

template <Activation ACTIVATION>
__global__ void __launch_bounds__(WgmmaStemBlock::kThreads, 1)
    conv_wgmma_stem(const __grid_constant__ WgmmaStemParams p, const __grid_constant__ WgmmaStemMaps maps) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    using Tile = WgmmaStemTile;
    extern __shared__ unsigned char memory[];
    const WgmmaStemShared shared{wgmma_align(wgmma_uniform(std::uint32_t(__cvta_generic_to_shared(memory))))};
    griddepcontrol_launch_dependents();
    if (threadIdx.x == 0) {
        prefetch_tensormap(maps.x), prefetch_tensormap(maps.weights), prefetch_tensormap(maps.y);
        mbarrier_init(shared.filters_full(), 1);
        for (int group = 0; group < WgmmaStemBlock::kWarpgroups; ++group) mbarrier_init(shared.picture_full(group), 1);
        fence_mbarrier_init();
    }
    __syncthreads();
    if (wgmma_uniform(threadIdx.x / 32) == 0 && elect_one()) {
        mbarrier_arrive_expect_tx(shared.filters_full(), Tile::kTaps * Tile::kFilterBytes);
        for (int tap = 0; tap < Tile::kTaps; ++tap)
            tma_load(shared.filter(tap), maps.weights, tap * p.filter_c, 0, shared.filters_full());
    }
    __syncwarp();
    wgmma_stem_compute<ACTIVATION>(p, maps, shared, wgmma_uniform(threadIdx.x / 128));
#endif
}

template <Activation ACTIVATION>
WgmmaStemKernel wgmma_stem_kernel() {
    return conv_wgmma_stem<ACTIVATION>;
}

}  // namespace convoy::kernels::cuda
