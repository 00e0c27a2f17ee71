// SPDX-License-Identifier: MIT
//
// What the kernels for a network's first two layers, their launcher and their table share. wgmma_stem.cu tells how they
// work.
#pragma once

#include "kernels/cuda/conv/wgmma.cuh"

namespace convoy::kernels::cuda {

/// A tile: outputs of the second layer, what lies between the layers under them, and the picture under that.
struct WgmmaStemTile {
    static constexpr int kRows = 8, kColumns = 15, kPitch = 16;  // outputs, and what wgmma has in a row of them
    static constexpr int kSums = kRows * kPitch;
    static constexpr int kBetween = 32, kBetweenRow = 2 * kBetween;  // channels and bytes of a pixel between the layers
    static constexpr int kBetweenRows = 2 * kRows + 1, kBetweenColumns = 2 * kPitch;
    static constexpr int kFilters = 64, kTaps = 9;               // of the second layer
    static constexpr int kFilterBytes = kFilters * kBetweenRow;  // of a tap
    static constexpr int kSteps = kTaps * kBetweenRow / 32;      // products of a tile

    // Pixels between the layers lie in four planes, by the parity of row and column.
    static constexpr int kPlaneRow = kPitch * kBetweenRow;
    __host__ __device__ static constexpr int plane_bytes(int row) { return (kRows + 1 - row % 2) * kPlaneRow; }
    static constexpr int kPlanesBytes = 2 * (2 * kRows + 1) * kPlaneRow;
    /// Where pixel (row, column) lies, but for the swizzle.
    __host__ __device__ static constexpr int between(int row, int column) {
        return row % 2 * 2 * plane_bytes(0) + column % 2 * plane_bytes(row) + row / 2 * kPlaneRow +
               column / 2 * kBetweenRow;
    }

    // Of the picture. Boxes begin at multiples of 128 bytes.
    static constexpr int kPixelBytes = 8, kPictureRows = kBetweenRows + 2, kPictureColumns = kBetweenColumns + 2;
    static constexpr int kPictureRow = kPictureColumns * kPixelBytes, kPictureBox = kPictureRows * kPictureRow;
    static constexpr int kPictureBytes = (kPictureBox + 127) / 128 * 128;
    static_assert(kPictureRow % 16 == 0);
};

// Planes of odd rows make room for the output.
static_assert(2 * WgmmaStemTile::plane_bytes(1) >= WgmmaStemTile::kSums * kWgmmaOutputRow);

/// What fits a multiprocessor.
struct WgmmaStemBlock {
    using Tile = WgmmaStemTile;
    static constexpr int kWarpgroups = 4;  // each with tiles of its own
    static constexpr int kKept = 3;        // of a tile's kSteps products, those whose filters are in registers
    static constexpr int kThreads = 128 * kWarpgroups;
    /// With room to begin at a multiple of 1,024.
    static constexpr int kSharedBytes =
        1024 + Tile::kTaps * Tile::kFilterBytes + kWarpgroups * (Tile::kPlanesBytes + Tile::kPictureBytes + 8) + 8;
};

/// One launch.
struct WgmmaStemParams {
    WgmmaEpilogue epilogue;              // of the second layer
    const void* weights = nullptr;       // of the first layer
    const float* bias = nullptr;         // of the first layer
    int between = 0;                     // channels, packed
    float slope = 1, second_slope = 1;   // the activations', of negative numbers
    int h = 0, w = 0;                    // of the picture
    int tiles = 0, tile_w = 0;           // tile_w: outputs
    int filter_c = 0;                    // elements of a tap in a row of the second layer's weights
    bool backwards = false;              // ConvPairPointers'
    FastDivmod by_columns{}, by_rows{};  // tiles along a row of the picture, down the picture
};

/// The tensors as the copy engine sees them: the picture, and the second layer's.
struct WgmmaStemMaps {
    CUtensorMap x, weights, y;
};

using WgmmaStemKernel = void (*)(WgmmaStemParams, WgmmaStemMaps);

/// ACTIVATION: both layers', or linear for any two that are a slope each.
template <Activation ACTIVATION>
WgmmaStemKernel wgmma_stem_kernel();

}  // namespace convoy::kernels::cuda
