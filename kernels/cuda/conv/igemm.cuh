// SPDX-License-Identifier: MIT
//
// What the implicit GEMM's kernels, their launcher and their table share. igemm.cu tells how it all works.
#pragma once

#include <cuda_runtime.h>

#include "kernels/cuda/conv/output.cuh"

namespace convoy::kernels::cuda {

/// The numbers of one instantiation.
struct IgemmTile {
    Math math;
    int bm, bn, bk;        // output pixels, output channels, and elements of K per stage
    int warps_m, warps_n;  // the tile is dealt to them in a grid
    int stages;
    int blocks;  // resident per multiprocessor: the registers must allow it
    bool plain;  // compiled for 7.5 alone, which has no cp.async; the others for 8.0 and later

    __host__ __device__ constexpr int threads() const { return 32 * warps_m * warps_n; }
    __host__ __device__ constexpr int lanes() const { return math == Math::fp16 ? 8 : 4; }
    __host__ __device__ constexpr int row_vectors() const { return bk / lanes(); }
    __host__ __device__ constexpr int stage_bytes() const { return (bm + bn) * row_vectors() * 16; }
    __host__ __device__ constexpr int pipeline_bytes() const { return stages * stage_bytes(); }
    __host__ __device__ constexpr int warp_n() const { return bn / warps_n; }
    /// Of the sums of one warp's eight rows, in bytes.
    __host__ __device__ constexpr int warp_sums() const { return 8 * staged_row(warp_n()) * int(sizeof(float)); }
    /// Floats from a row of `n` staged sums to the next: 8 banks on.
    static __host__ __device__ constexpr int staged_row(int n) { return n + 8; }
    /// Two tables of IgemmRow: of the tile that is loaded and of the next.
    __host__ __device__ constexpr int rows_bytes() const { return 2 * bm * 8; }
    constexpr int shared_bytes(bool split) const {
        const int loading = pipeline_bytes() + rows_bytes(), tile_sums = bm * staged_row(bn) * int(sizeof(float));
        if (split) return loading > tile_sums ? loading : tile_sums;
        return loading + warps_m * warps_n * warp_sums();
    }
};

/// One launch. A vector is 16 bytes: 8 channels of fp16, 4 of fp32.
struct IgemmParams : ConvOutput {
    using ConvOutput::ConvOutput;

    const uint4* x;
    const uint4* weights;
    float* partial_sums;  // (splits, M, K): where a second kernel sums them; or null

    int m;  // N P Q
    int h, w;
    int x_pitch, tap_h, tap_w;  // vectors from a pixel to the next, and from a tap to the next one down and right
    int stride_h, stride_w, pad_h, pad_w, dilation, r, s;
    int c;  // vectors of a tap
    struct {
        int c, s, r;
    } stage_step;    // the vectors of a stage's row, as digits (IgemmWalk)
    int tiles;       // of the output
    int iterations;  // stages that the whole of K fills
    int splits;      // blocks (grid's y) that share them
    FastDivmod by_c, by_s, by_dilation, by_pq;
    FastDivmod by_n_tiles;
};

using IgemmKernel = void (*)(IgemmParams);

/// An IgemmTile as a type, for templates.
template <Math MATH, int BM, int BN, int BK, int WARPS_M, int WARPS_N, int STAGES, int BLOCKS, bool PLAIN = false>
struct IgemmShape {
    static constexpr IgemmTile kTile{MATH, BM, BN, BK, WARPS_M, WARPS_N, STAGES, BLOCKS, PLAIN};
};

/// Defined where the kernel of SHAPE is instantiated. SPLIT: for several blocks per tile.
template <typename SHAPE, bool SPLIT>
IgemmKernel igemm_kernel();

/// igemm_reduce.cu: y from p.partial_sums.
void launch_igemm_reduce(const IgemmParams& p, Math math, Stream stream);

namespace igemm {

using Half_256x128x64 = IgemmShape<Math::fp16, 256, 128, 64, 4, 2, 4, 1>;
using Half_224x128x64 = IgemmShape<Math::fp16, 224, 128, 64, 2, 4, 4, 1>;
using Half_256x64x32 = IgemmShape<Math::fp16, 256, 64, 32, 4, 1, 5, 2>;
using Half_128x128x64 = IgemmShape<Math::fp16, 128, 128, 64, 2, 2, 3, 2>;
using Half_96x128x64 = IgemmShape<Math::fp16, 96, 128, 64, 2, 2, 3, 2>;
using Half_128x128x32 = IgemmShape<Math::fp16, 128, 128, 32, 2, 2, 4, 2>;

using Half_128x64x64 = IgemmShape<Math::fp16, 128, 64, 64, 2, 2, 4, 2>;
using Half_128x64x32 = IgemmShape<Math::fp16, 128, 64, 32, 2, 2, 5, 3>;
using Half_128x32x64 = IgemmShape<Math::fp16, 128, 32, 64, 4, 1, 3, 3>;
using Half_64x128x64 = IgemmShape<Math::fp16, 64, 128, 64, 2, 2, 4, 2>;
using Half_64x128x32 = IgemmShape<Math::fp16, 64, 128, 32, 2, 2, 5, 3>;
using Half_64x64x64 = IgemmShape<Math::fp16, 64, 64, 64, 2, 2, 4, 3>;
using Half_64x32x64 = IgemmShape<Math::fp16, 64, 32, 64, 4, 1, 4, 4>;
using Half_32x64x64 = IgemmShape<Math::fp16, 32, 64, 64, 2, 2, 4, 4>;

// Two blocks of them have room in the 64 KB of a multiprocessor of 7.5, or one of the largest.
using Plain_128x128x32 = IgemmShape<Math::fp16, 128, 128, 32, 2, 4, 2, 1, true>;
using Plain_128x64x32 = IgemmShape<Math::fp16, 128, 64, 32, 2, 2, 2, 2, true>;
using Plain_128x32x32 = IgemmShape<Math::fp16, 128, 32, 32, 4, 1, 2, 2, true>;
using Plain_64x64x32 = IgemmShape<Math::fp16, 64, 64, 32, 2, 2, 2, 2, true>;

using Tf32_128x128x32 = IgemmShape<Math::tf32, 128, 128, 32, 2, 2, 3, 2>;
using Tf32_128x64x32 = IgemmShape<Math::tf32, 128, 64, 32, 2, 2, 4, 2>;
using Tf32_64x64x32 = IgemmShape<Math::tf32, 64, 64, 32, 2, 2, 4, 3>;
using Tf32_128x32x32 = IgemmShape<Math::tf32, 128, 32, 32, 4, 1, 3, 3>;

// A warp's share is 64 x 32 in all: 8 x 8 sums a lane.
using Fp32_128x128x32 = IgemmShape<Math::fp32, 128, 128, 32, 2, 4, 3, 1>;
using Fp32_128x64x32 = IgemmShape<Math::fp32, 128, 64, 32, 2, 2, 3, 2>;
using Fp32_128x64x16 = IgemmShape<Math::fp32, 128, 64, 16, 2, 2, 3, 2>;
using Fp32_128x32x16 = IgemmShape<Math::fp32, 128, 32, 16, 2, 1, 3, 4>;
using Fp32_64x64x32 = IgemmShape<Math::fp32, 64, 64, 32, 1, 2, 3, 4>;
using Fp32_64x64x16 = IgemmShape<Math::fp32, 64, 64, 16, 1, 2, 3, 4>;

}  // namespace igemm
}  // namespace convoy::kernels::cuda
