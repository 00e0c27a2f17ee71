// SPDX-License-Identifier: MIT
//
// The Hopper family for filters of more than one tap and stride 1, where its memory traffic is what limits (wgmma.cu):
// an implicit GEMM that loads a pixel once per tile, not once per tap.
//
// A tile is a rectangle of the output. Its pixels with their halo come as one box of 64 channels, rows one behind the
// other, the padding zero. What tap (r, s) sees of all output pixels at once is then the same memory, begun
// r * pitch + s pixels further: wgmma takes the address, since rows of 8 pixels and their swizzle follow from addresses
// alone. Between two rows of outputs lie pitch - width sums that belong to no output; nobody stores them.
//
// Filters come tap by tap through a ring of their own, or stay: where all of a filter fits into shared memory, a block
// keeps to one tile of channels and loads it once.
//
// Turns, residual and output are those of wgmma.cu, row by row.
#include "kernels/cuda/conv/wgmma_halo.cuh"

#include <algorithm>
#include <limits>

#include "kernels/cuda/conv/rows.h"
#include "kernels/cuda/conv/tensor_map.h"
#include "kernels/cuda/conv/wgmma_cut.h"
#include "kernels/cuda/conv/wgmma_halo_kernel.cuh"
#include "kernels/cuda/launch.cuh"

namespace convoy::kernels::cuda {
namespace {

WgmmaCut cut(const Conv& conv, const WgmmaHaloTile& tile) {
    return wgmma_cut(conv.problem, tile.bn, tile.box_bytes / tile.row_bytes());
}

int k_tiles(const Conv& conv, const WgmmaHaloTile& tile) { return ceil_div(conv.packed_k(), tile.bm); }

bool supports(const Conv& conv, const DeviceCaps& caps, const WgmmaHaloTile& tile) {
    const ConvProblem& p = conv.problem;
    if (p.stride_h != 1 || p.stride_w != 1 || p.dilation != 1 || p.r * p.s == 1 || conv.upsample != 1) return false;
    return wgmma_supports(conv, caps, tile.shared_bytes()) && cut(conv, tile).tile_h > 0;
}

class PreparedWgmmaHalo final : public PreparedConv {
public:
    PreparedWgmmaHalo(const Conv& conv, const DeviceCaps& caps, const WgmmaHaloTile& tile, WgmmaHaloKernel kernel)
        : conv_(conv), params_{WgmmaEpilogue(conv)}, tile_(tile), kernel_(kernel) {
        const ConvProblem& p = conv.problem;
        const WgmmaCut cut = cuda::cut(conv, tile);
        const int k_tiles = cuda::k_tiles(conv, tile);
        params_.tiles = p.n * cut.tiles() * k_tiles;
        params_.tile_h = cut.tile_h, params_.tile_w = cut.tile_w;
        params_.taps_r = p.r, params_.taps_s = p.s, params_.pad_h = p.pad_h, params_.pad_w = p.pad_w;
        params_.channel_steps = ceil_div(conv.packed_c(), tile.bk);
        params_.filter_c = conv.packed_c();
        params_.loaded_bytes = (cut.tile_h + p.r - 1) * params_.pitch() * tile.row_bytes();
        params_.by_k_tiles = FastDivmod(k_tiles), params_.by_columns = FastDivmod(cut.columns);
        params_.by_rows = FastDivmod(cut.rows);
        blocks_ = std::min(params_.tiles, caps.multiprocessors);
        if (p.r * p.s * params_.channel_steps <= tile.filter_parts && k_tiles <= blocks_) {
            params_.keep_filters = true;
            blocks_ = blocks_ / k_tiles * k_tiles;  // or a block's tiles would have different channels
        }
        allow_shared(kernel, tile.shared_bytes(), "conv_wgmma_halo");
    }

    void launch(const ConvPointers& at, Stream stream) const override {
        const ConvProblem& c = conv_.problem;
        WgmmaHaloParams p = params_;
        p.epilogue.bias = at.bias, p.backwards = at.backwards;
        const int filter = c.r * c.s * p.filter_c, k = p.epilogue.k;
        const auto output_map = [&](const void* data, int pitch) {
            return picture_map(data, c.n, c.p(), c.q(), k, pitch, 1, p.tile_w, kWgmmaOutputChannels);
        };
        WgmmaMaps maps;
        maps.x =
            picture_map(at.x, c.n, c.h, c.w, conv_.packed_c(), conv_.x_pitch, p.tile_h + c.r - 1, p.pitch(), tile_.bk);
        maps.weights = matrix_map(at.weights, filter, k, filter, tile_.bm, tile_.bk);
        maps.y = output_map(at.y, conv_.y_pitch);
        maps.residual = p.epilogue.residual ? output_map(at.residual, conv_.residual_pitch) : maps.y;
        launch_dependent(kernel_, dim3(blocks_), kWgmmaThreads, tile_.shared_bytes(), stream, dim3(1), p, maps);
    }

private:
    Conv conv_;
    WgmmaHaloParams params_;
    WgmmaHaloTile tile_;
    WgmmaHaloKernel kernel_;
    int blocks_ = 0;
};

double clocks(const Conv& conv, const DeviceCaps& caps, const WgmmaHaloTile& tile) {
    constexpr double kLoadedPerClock = 40, kMultiplyFactor = 1.05;
    const ConvProblem& p = conv.problem;
    const WgmmaCut cut = cuda::cut(conv, tile);
    const int tiles = p.n * cut.tiles() * k_tiles(conv, tile), boxes = ceil_div(conv.packed_c(), tile.bk);
    if (wgmma_too_few(tiles, caps)) return std::numeric_limits<double>::infinity();
    const int parts = p.r * p.s * boxes;
    double loaded = boxes * (cut.tile_h + p.r - 1.) * (cut.tile_w + p.s - 1.) * tile.row_bytes();
    if (parts > tile.filter_parts) loaded += parts * tile.part_bytes();
    const double multiply =
        std::max(parts * wgmma_products(tile.bm, tile.bn, tile.row_bytes()), loaded / kLoadedPerClock);
    return wgmma_clocks(ceil_div(tiles, caps.multiprocessors), kMultiplyFactor * multiply,
                        kWgmmaFinishPerSum * tile.bm * tile.bn);
}

template <typename SHAPE>
constexpr ReckonedRow row(const char* name) {
    return {{
                name,
                [](const Conv& conv, const DeviceCaps& caps) { return supports(conv, caps, SHAPE::kTile); },
                [](const Conv& conv, const DeviceCaps& caps, const ConvLibraries&) -> std::unique_ptr<PreparedConv> {
                    return std::make_unique<PreparedWgmmaHalo>(conv, caps, SHAPE::kTile,
                                                               wgmma_halo_kernel<SHAPE>(WgmmaEpilogue(conv).plain()));
                },
            },
            [](const Conv& conv, const DeviceCaps& caps) { return clocks(conv, caps, SHAPE::kTile); }};
}

constexpr ReckonedRow kRows[] = {
    row<WgmmaHaloShape<64, 216, 32, 3, 27 * 1024, 18, 2>>("wgmma_halo_64x216x32"),
    row<WgmmaHaloShape<64, 216, 64, 2, 54 * 1024, 9, 1>>("wgmma_halo_64x216x64"),
    row<WgmmaHaloShape<128, 160, 64, 2, 34 * 1024, 4, 2>>("wgmma_halo_128x160x64"),
};

}  // namespace

std::span<const ReckonedRow> wgmma_halo_rows() {
    if (!CONVOY_SM_90A) return {};
    return kRows;
}

}  // namespace convoy::kernels::cuda
