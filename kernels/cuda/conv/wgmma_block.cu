// SPDX-License-Identifier: MIT
//
// Residual blocks on Hopper: a 1x1 to half of the channels, a 3x3 back, plus the input, where a picture is large and
// its memory traffic is what limits. x is read once, with a halo that mostly comes from L2, and y written once.
//
// A tile is a rectangle of the output, cut as in wgmma_halo.cu. Its x with a halo comes as boxes of 64 channels. The
// 1x1 of all these pixels goes to shared memory, rows one behind the other, zero outside of the picture; the 3x3 finds
// it there as it finds a box elsewhere. Its sums then replace the residual, which is the middle of the boxes of x, and
// the copy engine stores them from there: x, residual and y share their memory.
//
// Two warpgroups take turns with whole tiles. Where all filters fit into shared memory they stay, and a warpgroup's
// turn is the 3x3 of its tile and the 1x1 of its next one; while the other has its turn, it brings the sums of both to
// shared memory. With 128 channels there is no room for that: the 1x1's filters stay in registers and those of the 3x3
// come through a ring, the turn is that of the 3x3, and products of the next tile's 1x1 come between those of the
// other's 3x3. One thread loads x and stores y: a place is free as soon as its output has been read. That of the last
// 64 of 128 channels is waited for, so their output takes the place of what lay between, and x comes at once.
#include <algorithm>

#include "kernels/cuda/conv/pair_rows.h"
#include "kernels/cuda/conv/tensor_map.h"
#include "kernels/cuda/conv/wgmma_block_kernel.cuh"
#include "kernels/cuda/conv/wgmma_cut.h"
#include "kernels/cuda/launch.cuh"

namespace convoy::kernels::cuda {
namespace {

/// Into the fewest tiles.
WgmmaCut cut(const ConvProblem& p, const WgmmaBlockTile& tile) {
    constexpr int kMoreColumns = 16;
    const int widest = tile.pixels - tile.bn - 1 - 2;  // or sums would be written behind the box
    const int fewest = ceil_div(p.q(), widest);
    WgmmaCut best;
    for (int columns = fewest; columns <= std::min(p.q(), fewest + kMoreColumns); ++columns) {
        const int tile_w = ceil_div(p.q(), columns), pitch = tile_w + 2;
        const int tile_h = std::min({(tile.bn + 2) / pitch, tile.pixels / pitch - 2, p.p()});
        const WgmmaCut next{tile_h, tile_w, columns, ceil_div(p.p(), tile_h)};
        if (best.tile_h == 0 || next.tiles() < best.tiles()) best = next;
    }
    return best;
}

int tiles(const ConvPair& pair, const WgmmaBlockTile& tile) {
    return pair.second.problem.n * cut(pair.second.problem, tile).tiles();
}

bool supports(const ConvPair& pair, const DeviceCaps& caps, const WgmmaBlockTile& tile) {
    const ConvProblem &a = pair.first.problem, &b = pair.second.problem;
    const auto plain = [](const Conv& conv, int size) {
        const ConvProblem& p = conv.problem;
        return p.r == size && p.s == size && p.stride_h == 1 && p.stride_w == 1 && p.dilation == 1 &&
               p.pad_h == size / 2 && p.pad_w == size / 2 && conv.upsample == 1;
    };
    if (!plain(pair.first, 1) || !plain(pair.second, 3) || !pair.residual_is_x || a.residual || !b.residual)
        return false;
    if (a.c != tile.c || a.k != tile.between || b.c != tile.between || b.k != tile.c) return false;
    if (pair.second.y_pitch % vector_lanes(DataType::fp16) != 0) return false;
    return wgmma_supports(pair.first, caps, tile.shared_bytes()) &&
           wgmma_supports(pair.second, caps, tile.shared_bytes());
}

class PreparedWgmmaBlock final : public PreparedConvPair {
public:
    PreparedWgmmaBlock(const ConvPair& pair, const DeviceCaps& caps, const WgmmaBlockTile& tile,
                       WgmmaBlockKernel kernel)
        : pair_(pair), params_{WgmmaEpilogue(pair.first), WgmmaEpilogue(pair.second)}, tile_(tile), kernel_(kernel) {
        const ConvProblem& p = pair.second.problem;
        const WgmmaCut cut = cuda::cut(p, tile);
        params_.tiles = cuda::tiles(pair, tile);
        params_.tile_h = cut.tile_h, params_.tile_w = cut.tile_w;
        params_.h = p.h, params_.w = p.w;
        params_.by_columns = FastDivmod(cut.columns), params_.by_rows = FastDivmod(cut.rows);
        params_.by_pitch = FastDivmod(params_.pitch());
        blocks_ = std::min(params_.tiles, caps.multiprocessors);
        allow_shared(kernel, tile.shared_bytes(), "conv_wgmma_block");
    }

    void launch(const ConvPairPointers& at, Stream stream) const override {
        const ConvProblem& c = pair_.second.problem;
        const int filter = kWgmmaBlockTaps * tile_.between;
        WgmmaBlockParams p = params_;
        p.first.bias = at.first_bias, p.second.bias = at.second_bias, p.backwards = at.backwards;
        WgmmaBlockMaps maps;
        maps.x = picture_map(at.x, c.n, c.h, c.w, tile_.c, pair_.first.x_pitch, p.tile_h + 2, p.pitch(),
                             kWgmmaOutputChannels);
        maps.first_weights =
            matrix_map(at.first_weights, tile_.c, tile_.between, tile_.c, tile_.between, kWgmmaOutputChannels);
        maps.second_weights = matrix_map(at.second_weights, filter, tile_.c, filter, 64, tile_.between);
        maps.y = picture_map(at.y, c.n, c.h, c.w, tile_.c, pair_.second.y_pitch, 1, p.tile_w, kWgmmaOutputChannels);
        launch_dependent(kernel_, dim3(blocks_), kWgmmaThreads, tile_.shared_bytes(), stream, dim3(1), p, maps);
    }

private:
    ConvPair pair_;
    WgmmaBlockParams params_;
    WgmmaBlockTile tile_;
    WgmmaBlockKernel kernel_;
    int blocks_ = 0;
};

/// Apart, the two move 4 c numbers a pixel: x, what lies between there and back, the residual, y; together 2 c. At
/// 104x104 they would take 108 us apart and some 80 together, of which products are the most: tiles must be nearly as
/// full as there. A block's first and last tile are hidden behind nothing, so that it needs some; one is enough where c
/// is 64 and memory limits the two apart.
bool pays(const ConvPair& pair, const DeviceCaps& caps, const WgmmaBlockTile& tile) {
    constexpr double kFull = .7;
    const int waves = tile.halves() == 1 ? 1 : 4;
    const ConvProblem& p = pair.second.problem;
    const int tiles = cuda::tiles(pair, tile);
    return tiles >= waves * caps.multiprocessors && double(p.n) * p.h * p.w >= kFull * tiles * tile.bn;
}

template <typename SHAPE>
constexpr ConvPairCandidate row(const char* name) {
    return {name, [](const ConvPair& pair, const DeviceCaps& caps) { return supports(pair, caps, SHAPE::kTile); },
            [](const ConvPair& pair, const DeviceCaps& caps) -> std::unique_ptr<PreparedConvPair> {
                const bool plain = WgmmaEpilogue(pair.first).plain() && WgmmaEpilogue(pair.second).plain();
                return std::make_unique<PreparedWgmmaBlock>(
                    pair, caps, SHAPE::kTile, plain ? conv_wgmma_block<WgmmaPlain<SHAPE>> : conv_wgmma_block<SHAPE>);
            },
            [](const ConvPair& pair, const DeviceCaps& caps) { return pays(pair, caps, SHAPE::kTile); }};
}

constexpr ConvPairCandidate kRows[] = {
    row<WgmmaBlockShape<64, 32, 224, 288, 9>>("wgmma_block_64"),
    row<WgmmaBlockShape<128, 64, 168, 224, 7>>("wgmma_block_128"),
};

}  // namespace

std::span<const ConvPairCandidate> wgmma_block_rows() {
    if (!CONVOY_SM_90A) return {};
    return kRows;
}

}  // namespace convoy::kernels::cuda
