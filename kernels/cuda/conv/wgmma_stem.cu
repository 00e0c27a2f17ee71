// SPDX-License-Identifier: MIT
//
// A network's first two layers in one kernel for Hopper: 3x3 of up to 4 channels, then 3x3 with stride 2. What lies
// between them, the largest tensor of many a network, is never in memory.
//
// A tile is a rectangle of the second layer's output, and a warpgroup's own from beginning to end; the warpgroups of a
// multiprocessor share but the second layer's filters, and fill each other's gaps:
//   - The picture under the tile comes by the copy engine, zero outside, while the tile before is still multiplied.
//   - The first layer, too, is wgmma's, which reads the picture as it lies there: a row of a product's K is four
//     pixels, and the next row begins two further on. They are what two results next to each other see; so 64 rows of
//     filters are 32 channels of an even column and of the odd one beside it. Filters stay in registers.
//   - Results go to shared memory as four planes, by the parity of row and column, swizzled for wgmma; outside of the
//     picture they are zero. What a tap of the second layer sees of all outputs is then the memory of one plane, begun
//     a row or a pixel further on, as at stride 1 (wgmma_halo.cu).
//   - wgmma multiplies that by the filters, in one go. The sixteenth sum of a row belongs to no output.
//   - The output goes the way of the whole family.
#include "kernels/cuda/conv/wgmma_stem.cuh"

#include <algorithm>

#include "kernels/cuda/conv/pair_rows.h"
#include "kernels/cuda/conv/tensor_map.h"
#include "kernels/cuda/conv/wgmma_stem_kernel.cuh"
#include "kernels/cuda/launch.cuh"

namespace convoy::kernels::cuda {
namespace {

using Tile = WgmmaStemTile;
using Block = WgmmaStemBlock;

/// The output in as few tiles as will do.
struct Cut {
    int columns, rows, tile_w;

    explicit Cut(const ConvProblem& second)
        : columns(ceil_div(second.q(), Tile::kColumns)),
          rows(ceil_div(second.p(), Tile::kRows)),
          tile_w(ceil_div(second.q(), columns)) {}
};

int tiles(const ConvPair& pair) {
    const Cut cut(pair.second.problem);
    return pair.second.problem.n * cut.columns * cut.rows;
}

bool is_slope(Activation a) { return wgmma_slope(a) >= 0; }

bool is_3x3(const Conv& conv, int stride) {
    const ConvProblem& p = conv.problem;
    return conv.math == Math::fp16 && p.r == 3 && p.s == 3 && p.stride_h == stride && p.stride_w == stride &&
           p.pad_h == 1 && p.pad_w == 1 && p.dilation == 1 && p.groups == 1 && !p.residual && conv.upsample == 1;
}

/// Null where there is none for these two activations.
WgmmaStemKernel kernel_for(const ConvPair& pair) {
    const Activation first = pair.first.problem.activation, second = pair.second.problem.activation;
    if (is_slope(first) && is_slope(second)) return wgmma_stem_kernel<Activation::linear>();
    const bool mish = first == Activation::mish && second == Activation::mish;
    return mish ? wgmma_stem_kernel<Activation::mish>() : nullptr;
}

bool supports(const ConvPair& pair, const DeviceCaps& caps) {
    constexpr std::size_t kMaxPixels = 1u << 30;  // they are ints
    const ConvProblem &first = pair.first.problem, &second = pair.second.problem;
    if (!kernel_for(pair) || caps.compute_capability != 90 || caps.shared_bytes < std::size_t(Block::kSharedBytes))
        return false;
    if (!is_3x3(pair.first, 1) || !is_3x3(pair.second, 2) || pair.residual_is_x) return false;
    if (first.c > 4 || pair.first.x_pitch != 4 || pair.second.y_pitch % vector_lanes(DataType::fp16) != 0) return false;
    if (first.w % 2 != 0) return false;  // the copy engine knows rows of multiples of 16 bytes
    if (first.n != second.n || first.h != second.h || first.w != second.w || first.k != second.c) return false;
    // What there is less of both is computed all the same, as zeros.
    if (pair.first.packed_k() > Tile::kBetween || pair.second.packed_k() > Tile::kFilters) return false;
    return std::size_t(first.n) * first.h * first.w <= kMaxPixels;
}

/// A multiprocessor computes a tile in some 2,450 clocks. Apart, what lies between the layers goes through memory
/// twice: 61 KB of a tile, for which a multiprocessor's share of the bandwidth needs 3,300. Even where each has a tile
/// or two, together is faster than two layers behind each other; filters must not be mostly zeros.
bool pays(const ConvPair& pair, const DeviceCaps& caps) {
    return tiles(pair) >= caps.multiprocessors && 2 * pair.first.packed_k() > Tile::kBetween &&
           2 * pair.second.packed_k() > Tile::kFilters;
}

class PreparedWgmmaStem final : public PreparedConvPair {
public:
    PreparedWgmmaStem(const ConvPair& pair, const DeviceCaps& caps)
        : pair_(pair), params_{WgmmaEpilogue(pair.second)}, kernel_(kernel_for(pair)) {
        const ConvProblem& first = pair.first.problem;
        const Cut cut(pair.second.problem);
        params_.between = pair.first.packed_k(), params_.slope = wgmma_slope(first.activation);
        params_.second_slope = wgmma_slope(pair.second.problem.activation);
        params_.h = first.h, params_.w = first.w;
        params_.tiles = tiles(pair), params_.tile_w = cut.tile_w;
        params_.filter_c = pair.second.packed_c();
        params_.by_columns = FastDivmod(cut.columns), params_.by_rows = FastDivmod(cut.rows);
        blocks_ = std::min(params_.tiles, caps.multiprocessors);
        allow_shared(kernel_, Block::kSharedBytes, "conv_wgmma_stem");
    }

    void launch(const ConvPairPointers& at, Stream stream) const override {
        const ConvProblem &first = pair_.first.problem, &second = pair_.second.problem;
        const int filter = Tile::kTaps * params_.filter_c, k = params_.epilogue.k;
        const int row = 4 * first.w;  // elements of the picture's
        WgmmaStemParams p = params_;
        p.weights = at.first_weights, p.bias = at.first_bias, p.epilogue.bias = at.second_bias;
        p.backwards = at.backwards;
        const WgmmaStemMaps maps{
            picture_map(at.x, 1, first.n, first.h, row, row, 1, Tile::kPictureRows, 4 * Tile::kPictureColumns),
            matrix_map(at.second_weights, filter, k, filter, Tile::kFilters, Tile::kBetween),
            picture_map(at.y, second.n, second.p(), second.q(), k, pair_.second.y_pitch, 1, p.tile_w, Tile::kFilters)};
        launch_dependent(kernel_, dim3(blocks_), Block::kThreads, Block::kSharedBytes, stream, dim3(1), p, maps);
    }

private:
    ConvPair pair_;
    WgmmaStemParams params_;
    WgmmaStemKernel kernel_;
    int blocks_ = 0;
};

constexpr ConvPairCandidate kRows[] = {{
    "wgmma_stem_64",
    supports,
    [](const ConvPair& pair, const DeviceCaps& caps) -> std::unique_ptr<PreparedConvPair> {
        return std::make_unique<PreparedWgmmaStem>(pair, caps);
    },
    pays,
}};

}  // namespace

std::span<const ConvPairCandidate> wgmma_stem_rows() {
    if (!CONVOY_SM_90A) return {};
    return kRows;
}

}  // namespace convoy::kernels::cuda
