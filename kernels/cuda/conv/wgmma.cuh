// SPDX-License-Identifier: MIT
//
// What the Hopper family's kernels, their launcher and their table share. wgmma.cu tells how it all works.
#pragma once

#include <cuda.h>

#include "kernels/conv.h"
#include "kernels/cuda/fast_divmod.h"

namespace convoy::kernels::cuda {

constexpr int kWgmmaThreads = 3 * 128;  // a warpgroup that loads, and two that compute
constexpr int kWgmmaOutputRow = 128;    // bytes of a pixel in one box of the output tile: 64 halves or 32 floats

/// The numbers of one instantiation.
struct WgmmaTile {
    int bm;  // output channels: 64 or 128
    int bn;  // output pixels
    int bk;  // input channels of one tap that a stage holds: 128 or 64 bytes
    int stages;
    int outputs;  // finished tiles that there is room for: 1, or one for each warpgroup
    int blocks;   // resident per multiprocessor: 1 or 2
    Math math = Math::fp16;
    bool both = false;  // whether the two warpgroups share a tile, 64 channels each, instead of taking turns

    __host__ __device__ constexpr int element_bytes() const { return math == Math::fp16 ? 2 : 4; }
    __host__ __device__ constexpr int lanes() const { return 16 / element_bytes(); }
    __host__ __device__ constexpr int row_bytes() const { return element_bytes() * bk; }
    __host__ __device__ constexpr int weights_bytes() const { return bm * row_bytes(); }
    __host__ __device__ constexpr int pixels_bytes() const { return bn * row_bytes(); }
    __host__ __device__ constexpr int stage_bytes() const { return (bm + bn) * row_bytes(); }
    /// The output behind it is swizzled, and begins at a multiple of 1,024.
    __host__ __device__ constexpr int pipeline_bytes() const { return (stages * stage_bytes() + 1023) / 1024 * 1024; }
    __host__ __device__ constexpr int halves() const { return bm / 64; }
    /// The output's, as the copy engine moves them.
    __host__ __device__ constexpr int box_channels() const { return kWgmmaOutputRow / element_bytes(); }
    __host__ __device__ constexpr int boxes() const { return bm / box_channels(); }
    __host__ __device__ constexpr int box_bytes() const { return bn * kWgmmaOutputRow; }
    __host__ __device__ constexpr int output_bytes() const { return boxes() * box_bytes(); }
    __host__ __device__ constexpr int barriers_bytes() const { return (2 * stages + 4) * 8; }
    /// The registers of a thread, by warpgroup: those of a multiprocessor, shared out in eights.
    __host__ __device__ constexpr int load_registers() const { return blocks == 1 ? 40 : 32; }
    __host__ __device__ constexpr int compute_registers() const { return blocks == 1 ? 232 : 104; }
    /// With room to begin at a multiple of 1,024.
    constexpr int shared_bytes() const { return 1024 + pipeline_bytes() + outputs * output_bytes() + barriers_bytes(); }
};

/// Of negative numbers, where the activation is no more than that; else -1.
__host__ __device__ constexpr float wgmma_slope(Activation a) {
    return a == Activation::linear ? 1.f : a == Activation::leaky ? .1f : a == Activation::relu ? 0.f : -1.f;
}

/// Clocks that a multiprocessor needs for its tiles, which the two warpgroups take in turns. The last one's finish is
/// not hidden behind another's products. Fitted to yolov3's layers at a batch of 32.
constexpr double wgmma_clocks(int tiles, double multiply, double finish) {
    return tiles * (multiply > finish / 2 ? multiply : finish / 2) + finish;
}
/// Where there are few tiles, kernels that share the K of one have the advantage.
constexpr bool wgmma_too_few(int tiles, const DeviceCaps& caps) { return 2 * tiles < caps.multiprocessors; }
constexpr double wgmma_products(int bm, int bn, int row_bytes) { return bm / 64 * (bn / 2.) * (row_bytes / 32); }
constexpr double kWgmmaFinishPerSum = .4;  // of two bytes

constexpr int kWgmmaOutputChannels = kWgmmaOutputRow / 2;  // of a box of the output, in fp16

/// What all of the family ask of a problem and a GPU; `shared_bytes`: of a block.
inline bool wgmma_supports(const Conv& conv, const DeviceCaps& caps, int shared_bytes, Math math = Math::fp16) {
    constexpr std::size_t kMaxPixels = 1u << 30;  // they are ints
    const ConvProblem& p = conv.problem;
    if (conv.math != math || p.groups != 1 || conv.x_pitch % vector_lanes(storage(math)) != 0) return false;
    if (caps.compute_capability != 90 || std::size_t(shared_bytes) > caps.shared_bytes) return false;
    if (p.residual && wgmma_slope(p.after_residual) < 0) return false;
    return std::size_t(p.n) * p.p() * p.q() <= kMaxPixels;
}

/// What happens to sums.
struct WgmmaEpilogue {
    const float* bias = nullptr;
    int k = 0;  // output channels, packed
    bool residual = false;
    Activation activation = Activation::linear;
    float after_slope = 1;  // of negative numbers, after the residual

    explicit WgmmaEpilogue(const Conv& conv)
        : k(conv.packed_k()),
          residual(conv.problem.residual),
          activation(conv.problem.activation),
          after_slope(residual ? wgmma_slope(conv.problem.after_residual) : 1) {}

    /// Whether outputs are sums, or the larger of them and a share of them, and a residual is added as it is.
    bool plain() const { return wgmma_slope(activation) >= 0 && after_slope == 1; }
};

/// One launch.
struct WgmmaParams {
    WgmmaEpilogue epilogue;
    void* y = nullptr;
    int y_pitch = 0, upsample = 1;
    int tiles = 0;
    int pixels = 0;          // of the output, before upsampling
    bool backwards = false;  // ConvPointers'
    int taps_r = 1, taps_s = 1, dilation = 1;
    int channel_steps = 0;  // stages of a tap
    int filter_c = 0;       // elements of a tap in a row of the weights
    int stride_h = 1, stride_w = 1, pad_h = 0, pad_w = 0;
    FastDivmod by_k_tiles{}, by_pq{}, by_q{};
};

/// The tensors as the copy engine sees them.
struct WgmmaMaps {
    CUtensorMap x, weights, residual, y;
};

using WgmmaKernel = void (*)(WgmmaParams, WgmmaMaps);

/// A WgmmaTile as a type, for templates.
template <int BM, int BN, int BK, int STAGES, int OUTPUTS = 2, int BLOCKS = 1, Math MATH = Math::fp16>
struct WgmmaShape {
    static constexpr bool kPlain = false;
    static constexpr WgmmaTile kTile{BM, BN, BK, STAGES, OUTPUTS, BLOCKS, MATH};
};
template <int BN, int STAGES>
struct WgmmaBothShape {
    static constexpr bool kPlain = false;
    static constexpr WgmmaTile kTile{128, BN, 64, STAGES, 1, 1, Math::fp16, true};
};
template <int BM, int BN, int BK, int STAGES, int OUTPUTS>
using WgmmaTf32Shape = WgmmaShape<BM, BN, BK, STAGES, OUTPUTS, 1, Math::tf32>;

/// Of a kernel for nothing but WgmmaEpilogue::plain(): instructions come through a cache, too, and a layer of a single
/// picture waits for each of them.
template <typename SHAPE>
struct WgmmaPlain : SHAPE {
    static constexpr bool kPlain = true;
};

/// Defined where the kernels of SHAPE are instantiated.
template <typename SHAPE>
WgmmaKernel wgmma_kernel(bool plain);

namespace wgmma {

using Tile_128x168x64 = WgmmaShape<128, 168, 64, 4, 1>;
using Tile_128x128x64 = WgmmaShape<128, 128, 64, 4>;
using Tile_128x88x64 = WgmmaShape<128, 88, 64, 5>;
using Tile_128x64x64 = WgmmaShape<128, 64, 64, 6>;
using Tile_64x256x64 = WgmmaShape<64, 256, 64, 4>;
using Tile_64x256x32 = WgmmaShape<64, 256, 32, 7>;
using Tile_64x168x64 = WgmmaShape<64, 168, 64, 5>;
using Tile_64x128x64 = WgmmaShape<64, 128, 64, 6>;
using Tile_64x88x64_Twice = WgmmaShape<64, 88, 64, 4, 1, 2>;

using Both_128x168x64 = WgmmaBothShape<168, 4>;
using Both_128x128x64 = WgmmaBothShape<128, 5>;
using Both_128x88x64 = WgmmaBothShape<88, 7>;
using Both_128x64x64 = WgmmaBothShape<64, 8>;

using Tf32_128x168x32 = WgmmaTf32Shape<128, 168, 32, 3, 1>;
using Tf32_128x128x32 = WgmmaTf32Shape<128, 128, 32, 5, 1>;
using Tf32_128x88x32 = WgmmaTf32Shape<128, 88, 32, 5, 2>;
using Tf32_64x128x32 = WgmmaTf32Shape<64, 128, 32, 6, 2>;

}  // namespace wgmma
}  // namespace convoy::kernels::cuda
