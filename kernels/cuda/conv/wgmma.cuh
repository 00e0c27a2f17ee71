// SPDX-License-Identifier: MIT
//
// What the Hopper family's kernels, their launcher and their table share. wgmma.cu tells how it all works.
#pragma once

#include <cuda.h>

#include "kernels/conv.h"
#include "kernels/cuda/fast_divmod.h"

namespace convoy::kernels::cuda {

/// The numbers of one instantiation.
struct WgmmaTile {
    static constexpr int kThreads = 3 * 128;  // a warpgroup that loads, and two that take turns with whole tiles
    static constexpr int kOutputRow = 128;    // bytes of a pixel in one half of the output tile: 64 channels
    int bm;                                   // output channels: 64 or 128
    int bn;                                   // output pixels
    int bk;                                   // input channels of one tap that a stage holds: 64 or 32
    int stages;
    int blocks;  // resident per multiprocessor: 1 or 2

    __host__ __device__ constexpr int row_bytes() const { return 2 * bk; }
    __host__ __device__ constexpr int weights_bytes() const { return bm * row_bytes(); }
    __host__ __device__ constexpr int stage_bytes() const { return (bm + bn) * row_bytes(); }
    __host__ __device__ constexpr int pipeline_bytes() const { return stages * stage_bytes(); }
    __host__ __device__ constexpr int halves() const { return bm / 64; }
    __host__ __device__ constexpr int half_bytes() const { return bn * kOutputRow; }
    __host__ __device__ constexpr int output_bytes() const { return halves() * half_bytes(); }
    __host__ __device__ constexpr int barriers_bytes() const { return (2 * stages + 3) * 8; }
    /// The registers of a thread, by warpgroup: those of a multiprocessor, shared out in eights.
    __host__ __device__ constexpr int load_registers() const { return blocks == 1 ? 40 : 24; }
    __host__ __device__ constexpr int compute_registers() const { return blocks == 1 ? 232 : 104; }
    /// With room to begin at a multiple of 1,024.
    constexpr int shared_bytes() const { return 1024 + pipeline_bytes() + output_bytes() + barriers_bytes(); }
};

/// Of negative numbers, where the activation is no more than that; else -1.
__host__ __device__ constexpr float wgmma_slope(Activation a) {
    return a == Activation::linear ? 1.f : a == Activation::leaky ? .1f : a == Activation::relu ? 0.f : -1.f;
}

/// One launch.
struct WgmmaParams {
    const float* bias;
    void* y;
    int y_pitch;
    int upsample;
    int tiles;
    int pixels;  // of the output, before upsampling
    int taps_r, taps_s, dilation;
    int channel_steps;  // stages of a tap
    int filter_c;       // elements of a tap in a row of the weights
    int k;              // output channels, packed
    int stride_h, stride_w, pad_h, pad_w;
    bool residual;
    Activation activation;
    float after_slope;  // of negative numbers, after the residual
    FastDivmod by_k_tiles, by_pq, by_q;
};

/// The tensors as the copy engine sees them.
struct WgmmaMaps {
    CUtensorMap x, weights, residual, y;
};

using WgmmaKernel = void (*)(WgmmaParams, WgmmaMaps);

/// A WgmmaTile as a type, for templates.
template <int BM, int BN, int BK, int STAGES, int BLOCKS = 1>
struct WgmmaShape {
    static constexpr WgmmaTile kTile{BM, BN, BK, STAGES, BLOCKS};
};

/// Defined where the kernel of SHAPE is instantiated.
template <typename SHAPE>
WgmmaKernel wgmma_kernel();

namespace wgmma {

using Tile_128x168x64 = WgmmaShape<128, 168, 64, 4>;
using Tile_128x128x64 = WgmmaShape<128, 128, 64, 5>;
using Tile_128x88x64 = WgmmaShape<128, 88, 64, 6>;
using Tile_128x64x64 = WgmmaShape<128, 64, 64, 6>;
using Tile_64x256x64 = WgmmaShape<64, 256, 64, 4>;
using Tile_64x256x32 = WgmmaShape<64, 256, 32, 8>;
using Tile_64x168x64 = WgmmaShape<64, 168, 64, 5>;
using Tile_64x168x32 = WgmmaShape<64, 168, 32, 8>;
using Tile_128x64x64_Twice = WgmmaShape<128, 64, 64, 3, 2>;
using Tile_64x88x64_Twice = WgmmaShape<64, 88, 64, 4, 2>;
using Tile_64x128x64 = WgmmaShape<64, 128, 64, 6>;

}  // namespace wgmma
}  // namespace convoy::kernels::cuda
