// SPDX-License-Identifier: MIT
//
// What the kernel for residual blocks of the Hopper family, its launcher and its table share. wgmma_block.cu tells how
// it works.
#pragma once

#include "kernels/cuda/conv/wgmma.cuh"

namespace convoy::kernels::cuda {

constexpr int kWgmmaBlockBoxes = 4;  // of 64 channels of x each, in a ring
constexpr int kWgmmaBlockTaps = 9;

/// The numbers of one instantiation.
struct WgmmaBlockTile {
    int c;             // channels of x and of y: 64 or 128
    int between;       // of what lies between: 32 or 64
    int bn;            // output pixels, and those between its rows
    int pixels;        // of a tile with its halo, that there is room for: a multiple of 16
    int filter_parts;  // of the 3x3: one tap to 64 channels each: a ring, or all there are

    __host__ __device__ constexpr int halves() const { return c / 64; }
    __host__ __device__ constexpr int box_bytes() const { return pixels * kWgmmaOutputRow; }
    /// Tiles whose x there is room for.
    __host__ __device__ constexpr int held() const { return kWgmmaBlockBoxes / halves(); }
    __host__ __device__ constexpr int row_bytes() const { return 2 * between; }
    __host__ __device__ constexpr int between_bytes() const { return pixels * row_bytes(); }
    /// Of a 1x1 that takes 64 pixels at once; those of the last that there is no room for are nobody's.
    __host__ __device__ constexpr int chunks() const { return (pixels + 63) / 64; }
    __host__ __device__ constexpr int part_bytes() const { return 64 * row_bytes(); }
    __host__ __device__ constexpr int parts() const { return kWgmmaBlockTaps * halves(); }
    __host__ __device__ constexpr bool keeps_filters() const { return filter_parts == parts(); }
    /// The 1x1 has what lies between as rows of its product, and its filters in registers.
    __host__ __device__ constexpr bool first_whole() const { return between == 64; }
    /// 64 channels of the 1x1's filters.
    __host__ __device__ constexpr int first_bytes() const { return between * kWgmmaOutputRow; }
    /// Of those that stay in shared memory.
    __host__ __device__ constexpr int kept_bytes() const { return first_whole() ? 0 : halves() * first_bytes(); }
    __host__ __device__ constexpr int barriers() const { return 2 * kWgmmaBlockBoxes + 2 * filter_parts + 3; }
    /// With room to begin at a multiple of 1,024.
    constexpr int shared_bytes() const {
        return 1024 + kWgmmaBlockBoxes * box_bytes() + 2 * between_bytes() + filter_parts * part_bytes() +
               kept_bytes() + 8 * barriers();
    }
};

/// One launch.
struct WgmmaBlockParams {
    WgmmaEpilogue first, second;
    int tiles = 0;
    int tile_h = 0, tile_w = 0;          // output pixels
    int h = 0, w = 0;                    // of a picture
    bool backwards = false;              // ConvPairPointers'
    FastDivmod by_columns{}, by_rows{};  // tiles along a row of the picture, down the picture
    FastDivmod by_pitch{};

    /// From a row of pixels in shared memory to the next.
    __host__ __device__ int pitch() const { return tile_w + 2; }
    /// With the halo.
    __host__ __device__ int pixels() const { return (tile_h + 2) * pitch(); }
};

/// The tensors as the copy engine sees them.
struct WgmmaBlockMaps {
    CUtensorMap x, first_weights, second_weights, y;
};

using WgmmaBlockKernel = void (*)(WgmmaBlockParams, WgmmaBlockMaps);

/// A WgmmaBlockTile as a type, for templates.
template <int C, int BETWEEN, int BN, int PIXELS, int FILTER_PARTS>
struct WgmmaBlockShape {
    static constexpr bool kPlain = false;
    static constexpr WgmmaBlockTile kTile{C, BETWEEN, BN, PIXELS, FILTER_PARTS};
    // Swizzled rows begin at multiples of 1,024, and products read a little behind the memory they need.
    static_assert(PIXELS % 16 == 0 && kTile.box_bytes() % 1024 == 0 && kTile.between_bytes() % 1024 == 0);
};

}  // namespace convoy::kernels::cuda
