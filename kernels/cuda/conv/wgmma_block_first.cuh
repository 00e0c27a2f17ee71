// SPDX-License-Identifier: MIT
//
// The 1x1 of a residual block: wgmma_block.cu tells how it all works. And where everything lies in shared memory.
#pragma once

#include <type_traits>
#include <utility>

#include "kernels/cuda/conv/wgmma_block.cuh"
#include "kernels/cuda/conv/wgmma_epilogue.cuh"
#include "kernels/cuda/ptx/bar.cuh"
#include "kernels/cuda/ptx/ld_st.cuh"
#include "kernels/cuda/ptx/mbarrier.cuh"
#include "kernels/cuda/ptx/tma.cuh"
#include "kernels/cuda/ptx/wgmma.cuh"

namespace convoy::kernels::cuda {

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

/// Where everything lies in shared memory.
template <typename SHAPE>
struct WgmmaBlockShared {
    static constexpr WgmmaBlockTile TILE = SHAPE::kTile;
    std::uint32_t base;

    /// Of the i-th tile's, the half-th 64 channels.
    __device__ static int place(int i, int half) { return (i * TILE.halves() + half) % kWgmmaBlockBoxes; }
    /// How often the i-th tile's place was used before, as a parity.
    __device__ static int parity(int i) { return i / TILE.held() & 1; }

    __device__ std::uint32_t box(int place) const { return base + place * TILE.box_bytes(); }
    __device__ std::uint32_t between(int turn) const { return box(kWgmmaBlockBoxes) + turn * TILE.between_bytes(); }
    __device__ std::uint32_t filter(int i) const { return between(2) + i * TILE.part_bytes(); }
    /// Those that come to registers lie where nothing lies between yet.
    __device__ std::uint32_t first_filter(int half) const {
        return (TILE.first_whole() ? between(0) : filter(TILE.filter_parts)) + half * TILE.first_bytes();
    }
    __device__ std::uint32_t barrier(int i) const { return filter(TILE.filter_parts) + TILE.kept_bytes() + 8 * i; }
    __device__ std::uint32_t box_full(int place) const { return barrier(place); }
    __device__ std::uint32_t box_finished(int place) const { return barrier(kWgmmaBlockBoxes + place); }
    __device__ std::uint32_t filter_full(int i) const { return barrier(2 * kWgmmaBlockBoxes + i); }
    __device__ std::uint32_t filter_empty(int i) const { return filter_full(TILE.filter_parts + i); }
    __device__ std::uint32_t first_full() const { return filter_full(2 * TILE.filter_parts); }
    /// A phase for each tile of this warpgroup's: its y that lay there is read.
    __device__ std::uint32_t between_read(int turn) const { return first_full() + 8 * (1 + turn); }

    /// Whether these 64 channels of y are stored from where something lay between: then their place is free at once.
    __device__ static bool y_between(int half) { return TILE.first_whole() && half + 1 == TILE.halves(); }
    /// Where y of the i-th tile comes to, with the halo.
    __device__ std::uint32_t y(int i, int half) const { return y_between(half) ? between(i % 2) : box(place(i, half)); }
};

/// Where a tile begins: column, row, picture.
struct WgmmaBlockPlace {
    int q, p, n;

    static __device__ __forceinline__ WgmmaBlockPlace of(const WgmmaBlockParams& params, int tile) {
        const auto [rows, column] = params.by_columns(params.backwards ? params.tiles - 1 - tile : tile);
        const auto [image, row] = params.by_rows(rows);
        return {column * params.tile_w, row * params.tile_h, image};
    }
    /// Whether the halo reaches out of the picture.
    __device__ __forceinline__ bool at_edge(const WgmmaBlockParams& params) const {
        return q == 0 || p == 0 || q + params.tile_w >= params.w || p + params.tile_h >= params.h;
    }
    /// Of a pixel of the tile with its halo, whether it is the picture's.
    __device__ __forceinline__ bool halo_inside(const WgmmaBlockParams& params, int pixel) const {
        const auto [row, column] = params.by_pitch(pixel);
        return unsigned(p - 1 + row) < unsigned(params.h) && unsigned(q - 1 + column) < unsigned(params.w);
    }
};

/// body(0), body(1), …, of numbers known to the compiler.
template <int N, typename Body>
__device__ __forceinline__ void wgmma_block_each(Body body) {
    [&]<int... I>(std::integer_sequence<int, I...>) { (body(std::integral_constant<int, I>()), ...); }
    (std::make_integer_sequence<int, N>());
}

/// WgmmaBlockFirstChunks::inside.
template <int CHUNKS>
__device__ __forceinline__ unsigned wgmma_block_inside(const WgmmaBlockParams& p, const WgmmaBlockPlace& at, int warp) {
    if (!at.at_edge(p)) return ~0u;
    unsigned inside = 0;
#pragma unroll
    for (int i = 0; i < 2 * CHUNKS; ++i) {
        const int pixel = i / 2 * 64 + 16 * warp + i % 2 * 8 + threadIdx.x % 32 / 4;
        inside |= unsigned(at.halo_inside(p, pixel)) << i;
    }
    return inside;
}

/// The 1x1 to 32 channels, too few to be rows of a product: pixels are, 64 at once.
template <typename SHAPE>
struct WgmmaBlockFirstChunks {
    static constexpr WgmmaBlockTile TILE = SHAPE::kTile;
    static constexpr int kBlocks = TILE.between / 8;
    float sums[TILE.chunks()][TILE.between / 2];
    float2 bias[kBlocks];
    // Bit 2 chunk + i tells of this thread's i-th pixel whether it is the picture's: the 3x3's padding is zero.
    unsigned inside;

    /// What write() needs.
    __device__ __forceinline__ void prepare(const WgmmaBlockParams& p, const WgmmaBlockPlace& at, int warp) {
#pragma unroll
        for (int j = 0; j < kBlocks; ++j)
            bias[j] = __ldg(reinterpret_cast<const float2*>(p.first.bias + 8 * j + threadIdx.x % 4 * 2));
        inside = wgmma_block_inside<TILE.chunks()>(p, at, warp);
    }

    /// Begins all products, a group for each 64 pixels; if there is an i-th tile, else with whatever lies there. Passes
    /// the turn on if `pass`.
    __device__ __forceinline__ void multiply(const WgmmaBlockShared<SHAPE>& shared, int i, int turn, bool is_there,
                                             bool pass) {
#pragma unroll
        for (int half = 0; half < TILE.halves(); ++half) {
            const int place = shared.place(i, half);
            const std::uint64_t pixels = wgmma_rows<kWgmmaOutputRow>(shared.box(place));
            const std::uint64_t filters = wgmma_rows<kWgmmaOutputRow>(shared.first_filter(half));
            if (is_there) mbarrier_wait(shared.box_full(place), shared.parity(i));
            wgmma_fence();
#pragma unroll
            for (int chunk = 0; chunk < TILE.chunks(); ++chunk) {
#pragma unroll
                for (int k = 0; k < 4; ++k) {
                    // Four such short products take as long as the other warpgroup needs to begin.
                    if (half + 1 == TILE.halves() && chunk + 1 == TILE.chunks() && k == 0)
                        bar_arrive_if(pass, kWgmmaTurn + 1 - turn, 256);
                    // Descriptors count in 16 bytes.
                    wgmma_m64k16_f16<TILE.between>(sums[chunk], pixels + chunk * 64 * kWgmmaOutputRow / 16 + 2 * k,
                                                   filters + 2 * k, half > 0 || k > 0);
                }
                if (half + 1 == TILE.halves()) wgmma_commit();
            }
        }
    }

    /// To memory whose rows are pixels, for as many as the tile has, swizzled as the 3x3 reads them.
    template <typename Act>
    __device__ __forceinline__ void write_as(std::uint32_t to, int pixels, int warp, Act activation) {
        const int lane = threadIdx.x % 32, row = 16 * warp + lane % 16;
        const int swizzle = row * TILE.row_bytes() / 128 % (TILE.row_bytes() / 16);
        // Of four matrices at once: 16 channels of 16 pixels.
        const std::uint32_t at = to + row * TILE.row_bytes();
        wgmma_block_each<TILE.chunks()>([&](auto chunk) {
            wgmma_wait<TILE.chunks() - 1 - chunk.value>();
            if (64 * chunk.value + 16 * warp >= pixels) return;
#pragma unroll
            for (int j = 0; j < kBlocks; j += 2) {
                std::uint32_t out[4];
#pragma unroll
                for (int m = 0; m < 4; ++m) {
                    const float* two = &sums[chunk.value][4 * (j + m / 2) + 2 * (m % 2)];
                    float2 v{two[0] + bias[j + m / 2].x, two[1] + bias[j + m / 2].y};
                    activation(v.x, v.y);
                    const __half2 halves = __float22half2_rn(v);
                    const bool kept = inside >> (2 * chunk.value + m % 2) & 1;
                    out[m] = kept ? reinterpret_cast<const std::uint32_t&>(halves) : 0;
                }
                stmatrix_x4(at + chunk.value * 64 * TILE.row_bytes() + (((j + lane / 16) ^ swizzle) << 4), out);
            }
        });
    }

    __device__ __forceinline__ void write(const WgmmaBlockParams& p, std::uint32_t to, const WgmmaBlockPlace&,
                                          int warp) {
        const auto write = [&](auto activation) { write_as(to, p.pixels(), warp, activation); };
        const WgmmaSlope slope{wgmma_slope(p.first.activation)};
        if constexpr (SHAPE::kPlain) return write(slope);
        switch (p.first.activation) {
            case Activation::mish:
                write(WgmmaQuotient<Activation::mish>());
                break;
            case Activation::swish:
                write(WgmmaQuotient<Activation::swish>());
                break;
            case Activation::logistic:
                write(WgmmaQuotient<Activation::logistic>());
                break;
            default:
                write(slope);
        }
    }
};

/// A thread's part of the filters of a 1x1 to 64 channels, 16 channels of x each.
template <typename SHAPE>
struct WgmmaBlockFirstFilters {
    static constexpr int kSteps = SHAPE::kTile.c / 16;
    std::uint32_t of[kSteps][4];

    __device__ __forceinline__ void load(const WgmmaBlockShared<SHAPE>& shared, int warp) {
        const int lane = threadIdx.x % 32, row = 16 * warp + lane % 16;
#pragma unroll
        for (int i = 0; i < kSteps; ++i) {
            const int vector = i % 4 * 2 + lane / 16;
            ldmatrix_x4(of[i][0], of[i][1], of[i][2], of[i][3],
                        shared.first_filter(i / 4) + row * kWgmmaOutputRow + ((vector ^ row % 8) << 4));
        }
    }
};

/// The 1x1 to 64 channels: they are rows of the product, which takes all pixels at once. Few and long products wait
/// less for those of the other warpgroup, and read each filter once.
template <typename SHAPE>
struct WgmmaBlockFirstWhole {
    static constexpr WgmmaBlockTile TILE = SHAPE::kTile;
    WgmmaSums<64, TILE.pixels> sums;

    /// What write() needs.
    __device__ __forceinline__ void prepare(const WgmmaBlockParams& p, const WgmmaBlockPlace&, int) {
        sums.load_bias(p.first, 0);
    }

    /// Begins all products, as a group.
    __device__ __forceinline__ void multiply(const WgmmaBlockShared<SHAPE>& shared,
                                             const WgmmaBlockFirstFilters<SHAPE>& filters, int i) {
#pragma unroll
        for (int half = 0; half < TILE.halves(); ++half) {
            const int place = shared.place(i, half);
            const std::uint64_t pixels = wgmma_rows<kWgmmaOutputRow>(shared.box(place));
            mbarrier_wait(shared.box_full(place), shared.parity(i));
            wgmma_fence();
#pragma unroll
            for (int k = 0; k < 4; ++k)  // descriptors count in 16 bytes
                wgmma_m64k16_f16_by<TILE.pixels>(sums.of[0], filters.of[4 * half + k], pixels + 2 * k,
                                                 half > 0 || k > 0);
        }
        wgmma_commit();
    }

    /// As rows of pixels, swizzled as the 3x3 reads them. Its padding is zero: every warp clears its channels there.
    __device__ __forceinline__ void write(const WgmmaBlockParams& p, std::uint32_t to, const WgmmaBlockPlace& at,
                                          int warp) {
        static_assert(TILE.row_bytes() == kWgmmaOutputRow);
        WgmmaEpilogue epilogue = p.first;
        epilogue.residual = false;  // as the compiler now knows
        wgmma_wait<0>();
        wgmma_finish<Math::fp16, SHAPE::kPlain>(epilogue, sums, to, [](int) {});
        if (!at.at_edge(p)) return;
        __syncwarp();  // other threads of the warp have written what is cleared
        for (int pixel = threadIdx.x % 32; pixel < p.pixels(); pixel += 32) {
            if (at.halo_inside(p, pixel)) continue;
#pragma unroll
            for (int i = 0; i < 2; ++i)
                st_shared_v4(to + pixel * kWgmmaOutputRow + (((2 * warp + i) ^ pixel % 8) << 4), {0, 0, 0, 0});
        }
    }
};

template <typename SHAPE>
using WgmmaBlockFirst =
    std::conditional_t<SHAPE::kTile.first_whole(), WgmmaBlockFirstWhole<SHAPE>, WgmmaBlockFirstChunks<SHAPE>>;

/// The 1x1's sums of the i-th tile to what lies between.
template <typename SHAPE>
__device__ __forceinline__ void wgmma_block_between(const WgmmaBlockParams& p, const WgmmaBlockShared<SHAPE>& shared,
                                                    WgmmaBlockFirst<SHAPE>& first, int index, int i, int turn,
                                                    int warp) {
    const auto at = WgmmaBlockPlace::of(p, index);
    first.prepare(p, at, warp);
    if constexpr (SHAPE::kTile.first_whole()) {
        // All four warps were done with the last tile's 3x3 before they wrote the y that is read now.
        if (i > turn) mbarrier_wait(shared.between_read(turn), (i / 2 - 1) & 1);
    } else {
        // All four warps are done with the last tile's 3x3, which reads what is written now.
        bar_sync(kWgmmaFinished + turn, 128);
    }
    first.write(p, shared.between(turn), at, warp);
    fence_proxy_async();
    bar_sync(kWgmmaFinished + turn, 128);
}

#endif  // __CUDA_ARCH_FEAT_SM90_ALL

}  // namespace convoy::kernels::cuda
