// SPDX-License-Identifier: MIT
//
// What the kernels with halos of the Hopper family, their launcher and their table share. wgmma_halo.cu tells how they
// work.
#pragma once

#include "kernels/cuda/conv/wgmma.cuh"

namespace convoy::kernels::cuda {

/// The numbers of one instantiation.
struct WgmmaHaloTile {
    int bm;            // output channels: 64 or 128
    int bn;            // output pixels, and those between its rows
    int bk;            // input channels of a box and of a part of a filter: 64 or 32
    int boxes;         // of pixels, in a ring
    int box_bytes;     // that one has room for
    int filter_parts;  // one tap of bk channels each: a ring, or all there are
    int outputs;       // finished tiles that there is room for: 1, or one for each warpgroup

    __host__ __device__ constexpr int row_bytes() const { return 2 * bk; }
    __host__ __device__ constexpr int part_bytes() const { return bm * row_bytes(); }
    __host__ __device__ constexpr int half_bytes() const { return bn * kWgmmaOutputRow; }
    __host__ __device__ constexpr int output_bytes() const { return bm / 64 * half_bytes(); }
    __host__ __device__ constexpr int barriers() const { return 2 * boxes + 2 * filter_parts + 4; }
    /// With room to begin at a multiple of 1,024.
    constexpr int shared_bytes() const {
        return 1024 + boxes * box_bytes + filter_parts * part_bytes() + outputs * output_bytes() + 8 * barriers();
    }
};

/// One launch.
struct WgmmaHaloParams {
    WgmmaEpilogue epilogue;
    int tiles = 0;
    int tile_h = 0, tile_w = 0;  // output pixels
    int taps_r = 1, taps_s = 1, pad_h = 0, pad_w = 0;
    int channel_steps = 0;  // boxes of a tile
    int filter_c = 0;       // elements of a tap in a row of the weights
    int loaded_bytes = 0;   // of a box
    bool keep_filters = false;
    bool backwards = false;  // ConvPointers'
    FastDivmod by_k_tiles{}, by_columns{},
        by_rows{};  // tiles along channels, along a row of the picture, down the picture

    /// From a row of pixels in shared memory to the next.
    __host__ __device__ int pitch() const { return tile_w + taps_s - 1; }
};

using WgmmaHaloKernel = void (*)(WgmmaHaloParams, WgmmaMaps);

/// A WgmmaHaloTile as a type, for templates.
template <int BM, int BN, int BK, int BOXES, int BOX_BYTES, int FILTER_PARTS, int OUTPUTS>
struct WgmmaHaloShape {
    static constexpr bool kPlain = false;
    static constexpr WgmmaHaloTile kTile{BM, BN, BK, BOXES, BOX_BYTES, FILTER_PARTS, OUTPUTS};
};

template <typename SHAPE>
WgmmaHaloKernel wgmma_halo_kernel(bool plain);

}  // namespace convoy::kernels::cuda
