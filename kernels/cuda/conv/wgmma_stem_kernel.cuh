// SPDX-License-Identifier: MIT
//
// The kernel for a network's first two layers; wgmma_stem.cu tells how it works. For the file that instantiates it.
#pragma once

#include "kernels/cuda/conv/wgmma_epilogue.cuh"
#include "kernels/cuda/conv/wgmma_stem.cuh"
#include "kernels/cuda/ptx/bar.cuh"
#include "kernels/cuda/ptx/cp_async.cuh"
#include "kernels/cuda/ptx/elect.cuh"
#include "kernels/cuda/ptx/griddepcontrol.cuh"
#include "kernels/cuda/ptx/mbarrier.cuh"
#include "kernels/cuda/ptx/mma.cuh"
#include "kernels/cuda/ptx/tma.cuh"
#include "kernels/cuda/ptx/wgmma.cuh"

namespace convoy::kernels::cuda {

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

/// Where everything lies in shared memory.
template <typename SHAPE>
struct WgmmaStemShared {
    using Tile = WgmmaStemTile;
    static constexpr WgmmaStemBlock BLOCK = SHAPE::kBlock;
    std::uint32_t base;

    __device__ std::uint32_t filter(int tap) const { return base + tap * Tile::kFilterBytes; }
    __device__ std::uint32_t planes(int group) const { return filter(Tile::kTaps) + group * BLOCK.group_bytes(); }
    __device__ std::uint32_t output(int group) const {
        return planes(group) + (BLOCK.own_output ? Tile::kPlanesBytes : 0);
    }
    __device__ std::uint32_t picture(int group) const { return planes(BLOCK.warpgroups) + group * Tile::kPictureBytes; }
    __device__ std::uint32_t filters_full() const { return picture(BLOCK.warpgroups); }
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

struct WgmmaStemSlope {
    float slope;  // up to 1
    __device__ __forceinline__ void operator()(float& x, float& y) const {
        x = fmaxf(x, slope * x);
        y = fmaxf(y, slope * y);
    }
};

template <Activation ACTIVATION>
__device__ __forceinline__ auto wgmma_stem_activation(float slope) {
    if constexpr (is_quotient(ACTIVATION))
        return WgmmaQuotient<ACTIVATION>();
    else
        return WgmmaStemSlope{slope};
}

/// What a lane 4 g + t multiplies: in step r, tap (r, t) of the channels 4 g + 2 block + {0, 1}, which are rows g and
/// g + 8 of an mma. There is no tap of t = 3: instead of it, the bias in three parts, in step 0.
struct WgmmaStemFilters {
    std::uint32_t of[3][2][4];  // [step][block]

    __device__ __forceinline__ void load(const WgmmaStemParams& p) {
        const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
#pragma unroll
        for (int i = 0; i < 12; ++i) {
            const int step = i / 4, channel = 4 * g + i % 4;
            uint2 halves{};
            if (channel < p.between && t < 3)
                halves = __ldg(static_cast<const uint2*>(p.weights) + channel * 9 + step * 3 + t);
            else if (channel < p.between && step == 0)
                halves = parts(__ldg(p.bias + channel));
            std::uint32_t(&to)[4] = of[step][i % 4 / 2];
            to[i % 2] = halves.x, to[2 + i % 2] = halves.y;
        }
    }
    static __device__ __forceinline__ uint2 parts(float bias) {
        constexpr float kMost = 65504;
        __half of[3];
        for (__half& part : of) {
            // What three cannot make up is infinite or not a number, as it would be without them.
            const bool large = fabsf(bias) > kMost && fabsf(bias) <= 3 * kMost;
            part = __float2half_rn(large ? copysignf(kMost, bias) : bias);
            bias -= __half2float(part);
        }
        const __half2 first = __halves2half2(of[0], of[1]), second = __halves2half2(of[2], __float2half_rn(0));
        return {reinterpret_cast<const std::uint32_t&>(first), reinterpret_cast<const std::uint32_t&>(second)};
    }
};

/// The picture under a tile to shared memory, zero outside of it.
__device__ __forceinline__ void wgmma_stem_load(const WgmmaStemParams& p, const WgmmaStemPlace& at,
                                                std::uint32_t picture) {
    using Tile = WgmmaStemTile;
    const int thread = threadIdx.x % 128, first_h = 2 * at.p - 2, first_w = 2 * at.q - 2;
    const int first = (at.n * p.h + first_h) * p.w + first_w;
    const auto copy = [&](int row, int column) {
        const bool inside = unsigned(first_h + row) < unsigned(p.h) && unsigned(first_w + column) < unsigned(p.w);
        cp_async_ca_8(picture + (row * Tile::kPicturePitch + column) * Tile::kPixelBytes,
                      static_cast<const uint2*>(p.x) + (first + row * p.w + column), inside);
    };
#pragma unroll
    for (int i = 0; i < Tile::kPictureRows / 4; ++i) copy(thread / 32 + 4 * i, thread % 32);
    constexpr int kMore = Tile::kPictureColumns - 32;
    if (thread < kMore * Tile::kPictureRows) copy(thread / kMore, 32 + thread % kMore);
    cp_async_commit_group();
}

/// The first layer, of a tile: a warp has 16 columns of half of the rows. An mma's columns are pixels of one row, of
/// which two sets of 8 make 16; a row of the picture is read once for the three rows of results that it is in.
template <typename Act>
class WgmmaStemFirst {
    using Tile = WgmmaStemTile;
    static constexpr int kRows = Tile::kRows;  // and one more in the lower half

public:
    __device__ __forceinline__ WgmmaStemFirst(const WgmmaStemParams& p, std::uint32_t picture, std::uint32_t planes,
                                              Act activation)
        : p_(p), activation_(activation) {
        // Every other warpgroup's upper half is that of two other warps: else two schedulers had more to do.
        const int half = wgmma_uniform((threadIdx.x / 64 ^ threadIdx.x / 128) % 2);
        const int first = wgmma_uniform(threadIdx.x / 32 % 2 * 16);  // column
        const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
        // Columns of an mma are four pixels and, four further on, four more: so neither what half a warp reads nor what
        // it writes has a bank twice. The ones, too, lie in banks of their own.
        const int column = t < 3 ? first + g % 4 + g / 4 * 8 + t : Tile::kOnes + (g < 4 ? 8 : 0);
        picture_ = picture + (half * kRows * Tile::kPicturePitch + column) * Tile::kPixelBytes;
        const int pixel = t % 2 + t / 2 * 4;  // of a plane's row, in the first set
#pragma unroll
        for (int set = 0; set < 2; ++set)
            planes_[set] = planes + half * kRows / 2 * Tile::kPlaneRow +
                           (first / 2 + pixel + 2 * set) * Tile::kBetweenRow + ((g / 2 ^ (pixel / 2 + set)) << 4) +
                           g % 2 * 8;
        row_ = half * kRows, column_ = first + 2 * pixel;
    }

    __device__ __forceinline__ void run(const WgmmaStemFilters& filters, const WgmmaStemPlace& at) {
        const int h = 2 * at.p - 1, w = 2 * at.q - 1;  // of the tile's first pixel
        edge_ = h < 0 || w < 0 || h + Tile::kBetweenRows > p_.h || w + Tile::kBetweenColumns > p_.w;
        h_ = h + row_, w_ = w + column_;
        load(0), load(1), load(2);
#pragma unroll
        for (int row = 0; row < kRows; ++row) {
            load(row + 3);
            multiply(filters, row);
            if (row > 0) finish(row - 1);
        }
        if (row_ > 0) multiply(filters, kRows);
        finish(kRows - 1);
        if (row_ > 0) finish(kRows);
    }

private:
    __device__ __forceinline__ void load(int row) {
#pragma unroll
        for (int set = 0; set < 2; ++set)
            x_[row % 4][set] = ld_shared_v2(picture_ + (row * Tile::kPicturePitch + 4 * set) * Tile::kPixelBytes);
    }
    __device__ __forceinline__ void multiply(const WgmmaStemFilters& filters, int row) {
#pragma unroll
        for (int i = 0; i < 12; ++i) {
            const int step = i / 4, set = i % 4 / 2, block = i % 2;
            const uint2& x = x_[(row + step) % 4][set];
            float(&to)[4] = sums_[row % 2][set][block];
            if (step == 0) to[0] = to[1] = to[2] = to[3] = 0;
            mma_m16n8k16_f16(to, filters.of[step][block], {x.x, x.y});
        }
    }
    __device__ __forceinline__ void finish(int row) {
        uint2 of[2][2];  // [set][odd column]
#pragma unroll
        for (int i = 0; i < 8; ++i) {
            const int set = i / 4, odd = i / 2 % 2, block = i % 2;
            float& channel = sums_[row % 2][set][block][odd];
            float& next = sums_[row % 2][set][block][2 + odd];
            activation_(channel, next);
            const __half2 halves = __floats2half2_rn(channel, next);
            (block ? of[set][odd].y : of[set][odd].x) = reinterpret_cast<const std::uint32_t&>(halves);
        }
        if (edge_) clear(row, of);
#pragma unroll
        for (int i = 0; i < 4; ++i) st_shared_v2(planes_[i / 2] + Tile::between(row, i % 2), of[i / 2][i % 2]);
    }
    /// The second layer's padding is zero.
    __device__ __forceinline__ void clear(int row, uint2 (&of)[2][2]) const {
        const bool inside = unsigned(h_ + row) < unsigned(p_.h);
#pragma unroll
        for (int i = 0; i < 4; ++i)
            if (!inside || unsigned(w_ + i / 2 * 4 + i % 2) >= unsigned(p_.w)) of[i / 2][i % 2] = {};
    }

    const WgmmaStemParams& p_;
    const Act activation_;
    std::uint32_t picture_, planes_[2];
    int row_, column_;        // of this lane's first pixel in the tile
    bool edge_;               // the tile has pixels outside of the picture
    int h_, w_;               // of this lane's first pixel in the picture
    uint2 x_[4][2];           // of four rows of the picture, in turns
    float sums_[2][2][2][4];  // of two rows, in turns
};

/// The second layer's products, of a tile.
__device__ __forceinline__ void wgmma_stem_second(WgmmaSums<64, WgmmaStemTile::kSums>& sums, std::uint32_t filters,
                                                  std::uint32_t planes) {
    using Tile = WgmmaStemTile;
    const std::uint64_t weights = wgmma_rows<Tile::kBetweenRow>(filters);
    const std::uint64_t pixels = wgmma_rows<Tile::kBetweenRow>(planes);
    wgmma_fence();
#pragma unroll
    for (int tap = 0; tap < Tile::kTaps; ++tap)
#pragma unroll
        for (int k = 0; k < Tile::kBetweenRow; k += 32)
            wgmma_m64k16_f16<Tile::kSums>(sums.of[0], wgmma_along(weights, tap * Tile::kFilterBytes + k),
                                          wgmma_along(pixels, Tile::between(tap / 3, tap % 3) + k), tap + k > 0);
    wgmma_commit();
    wgmma_wait<0>();
}

/// One warpgroup, with every so many of the tiles.
template <typename SHAPE, Activation ACTIVATION>
__device__ void wgmma_stem_compute(const WgmmaStemParams& p, const WgmmaStemMaps& maps,
                                   const WgmmaStemShared<SHAPE>& shared, int group) {
    using Tile = WgmmaStemTile;
    const bool stores = wgmma_uniform(threadIdx.x / 32 % 5) == 0;  // one of four, each time of another scheduler
    const int step = SHAPE::kBlock.warpgroups * gridDim.x;
    const std::uint32_t picture = shared.picture(group), planes = shared.planes(group), output = shared.output(group);
    const auto synchronize = [&] { bar_sync(1 + group, 128); };
    const auto wait_until_stored = [&] {
        if (stores && elect_one()) tma_store_wait_read();  // always the same thread
        __syncwarp();
    };
    WgmmaStemFilters filters;
    filters.load(p);
    WgmmaStemFirst first(p, picture, planes, wgmma_stem_activation<ACTIVATION>(p.slope));
    WgmmaSums<64, Tile::kSums> sums;
    sums.load_bias(p.epilogue, 0);

    int tile = blockIdx.x + group * gridDim.x;
    auto at = WgmmaStemPlace::of(p, min(tile, p.tiles - 1));
    griddepcontrol_wait();
    if (tile < p.tiles) wgmma_stem_load(p, at, picture);
    mbarrier_wait(shared.filters_full(), 0);  // its only phase
    for (; tile < p.tiles; tile += step) {
        cp_async_wait_group<0>();
        if (!SHAPE::kBlock.own_output) wait_until_stored();
        synchronize();
        first.run(filters, at);
        fence_proxy_async();
        if (SHAPE::kBlock.own_output) wait_until_stored();
        synchronize();
        if (tile + step < p.tiles) {
            at = WgmmaStemPlace::of(p, tile + step);
            wgmma_stem_load(p, at, picture);
        }
        wgmma_stem_second(sums, shared.filter(0), planes);
        if (!SHAPE::kBlock.own_output) synchronize();  // all four warps' products have read what is now written
        wgmma_write<false>(sums, output, wgmma_stem_activation<ACTIVATION>(p.second_slope), WgmmaAsIs(), [&](int) {
            fence_proxy_async();
            synchronize();
            if (stores && elect_one()) {
                const auto here = WgmmaStemPlace::of(p, tile);  // once more, rather than remembered
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

template <typename SHAPE, Activation ACTIVATION>
__global__ void __launch_bounds__(SHAPE::kBlock.threads(), 1)
    conv_wgmma_stem(const __grid_constant__ WgmmaStemParams p, const __grid_constant__ WgmmaStemMaps maps) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    using Tile = WgmmaStemTile;
    extern __shared__ unsigned char memory[];
    const WgmmaStemShared<SHAPE> shared{wgmma_align(wgmma_uniform(std::uint32_t(__cvta_generic_to_shared(memory))))};
    griddepcontrol_launch_dependents();
    if (threadIdx.x == 0) {
        prefetch_tensormap(maps.weights), prefetch_tensormap(maps.y);
        mbarrier_init(shared.filters_full(), 1);
        fence_mbarrier_init();
    }
    constexpr int kOnes = Tile::kPicturePitch - Tile::kOnes;  // in a row
    for (int i = threadIdx.x; i < SHAPE::kBlock.warpgroups * Tile::kPictureRows * kOnes; i += SHAPE::kBlock.threads())
        st_shared_v2(
            shared.picture(0) + (i / kOnes * Tile::kPicturePitch + Tile::kOnes + i % kOnes) * Tile::kPixelBytes,
            {0x3c003c00, 0x3c003c00});
    __syncthreads();
    if (wgmma_uniform(threadIdx.x / 32) == 0 && elect_one()) {
        mbarrier_arrive_expect_tx(shared.filters_full(), Tile::kTaps * Tile::kFilterBytes);
        for (int tap = 0; tap < Tile::kTaps; ++tap)
            tma_load(shared.filter(tap), maps.weights, tap * p.filter_c, 0, shared.filters_full());
    }
    __syncwarp();
    wgmma_stem_compute<SHAPE, ACTIVATION>(p, maps, shared, wgmma_uniform(threadIdx.x / 128));
#endif
}

template <typename SHAPE, Activation ACTIVATION>
WgmmaStemKernel wgmma_stem_kernel() {
    return conv_wgmma_stem<SHAPE, ACTIVATION>;
}

}  // namespace convoy::kernels::cuda
