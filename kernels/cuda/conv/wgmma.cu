// SPDX-License-Identifier: MIT
//
// The Hopper family: the implicit GEMM for compute capability 9.0 alone (sm_90a), in fp16 and tf32.
//
// y (channels x pixels) = weights (channels x K) * x (K x pixels), where K runs over taps and input channels. Weights
// are the rows of wgmma and pixels its columns, so that the pixels of a tile may be any multiple of 8: 168 of them with
// 128 channels fill whole waves of a GPU of 132 multiprocessors where powers of two leave a third of the last one idle.
//
// Two threads load, weights the one and pixels the other. The copy engine finds the pixels of a tile at one tap by
// itself (im2col: it walks over rows and pictures, and the padding is zero), 128 bytes of channels at a time, rounds
// floats to tf32 and swizzles all into a ring of stages. Two warpgroups compute, each a tile of its own, in turns:
// while one brings its sums to memory, the other multiplies.
//
//     loads      | tile 0 | tile 1 | tile 2 | tile 3 | ...
//     warpgroup 1   | multiply 0 | finish 0  | multiply 2 | finish 2 ...
//     warpgroup 2                | multiply 1 | finish 1  | multiply 3 ...
//
// Where a multiprocessor has but one tile there are no turns to take: the warpgroups have 64 channels of it each, whose
// products take as long as before, and which they bring to memory in half the time.
//
// A tile's output passes through shared memory, from which the copy engine stores it: a place for each warpgroup, or
// one for both where there is no room for two. Where there is a residual, a third thread has it loaded to that same
// place as soon as the tile before is stored: it is read, added to and overwritten there.
#include "kernels/cuda/conv/wgmma.cuh"

#include <algorithm>
#include <limits>

#include "kernels/cuda/conv/rows.h"
#include "kernels/cuda/conv/tensor_map.h"
#include "kernels/cuda/launch.cuh"

namespace convoy::kernels::cuda {
namespace {

int pixels(const Conv& conv) { return conv.problem.n * conv.problem.p() * conv.problem.q(); }

int count_tiles(const Conv& conv, const WgmmaTile& tile) {
    return ceil_div(pixels(conv), tile.bn) * ceil_div(conv.packed_k(), tile.bm);
}

bool supports(const Conv& conv, const DeviceCaps& caps, const WgmmaTile& tile) {
    return wgmma_supports(conv, caps, tile.shared_bytes(), tile.math) && has_im2col_map(conv);
}

class PreparedWgmma final : public PreparedConv {
public:
    PreparedWgmma(const Conv& conv, const DeviceCaps& caps, const WgmmaTile& tile, WgmmaKernel kernel)
        : conv_(conv), params_{WgmmaEpilogue(conv)}, tile_(tile), kernel_(kernel) {
        const ConvProblem& p = conv.problem;
        params_.taps_r = p.r, params_.taps_s = p.s, params_.dilation = p.dilation;
        params_.filter_c = conv.packed_c();
        params_.channel_steps = ceil_div(conv.packed_c(), tile.bk);
        params_.stride_h = p.stride_h, params_.stride_w = p.stride_w;
        params_.pad_h = p.pad_h, params_.pad_w = p.pad_w;
        params_.y_pitch = conv.y_pitch, params_.upsample = conv.upsample, params_.pixels = pixels(conv);
        params_.by_pq = FastDivmod(p.p() * p.q()), params_.by_q = FastDivmod(p.q());

        params_.by_k_tiles = FastDivmod(ceil_div(conv.packed_k(), tile.bm));
        params_.tiles = count_tiles(conv, tile);
        allow_shared(kernel, tile.shared_bytes(), "conv_wgmma");
        blocks_ = std::min(params_.tiles, tile.blocks * caps.multiprocessors);
    }

    void launch(const ConvPointers& at, Stream stream) const override {
        WgmmaParams p = params_;
        p.epilogue.bias = at.bias, p.y = at.y, p.backwards = at.backwards;
        const int filter = conv_.problem.r * conv_.problem.s * p.filter_c, k = p.epilogue.k;
        WgmmaMaps maps;
        maps.x = im2col_map(at.x, conv_, tile_.bn, tile_.bk);
        const auto output_map = [&](const void* data, int pitch) {
            return matrix_map(data, k, p.pixels, pitch, tile_.bn, tile_.box_channels(), stored_type(tile_.math));
        };
        maps.weights = matrix_map(at.weights, filter, k, filter, tile_.bm, tile_.bk, factor_type(tile_.math));
        maps.y = output_map(at.y, conv_.y_pitch);
        maps.residual = p.epilogue.residual ? output_map(at.residual, conv_.residual_pitch) : maps.y;
        launch_dependent(kernel_, dim3(blocks_), kWgmmaThreads, tile_.shared_bytes(), stream, dim3(1), p, maps);
    }

private:
    Conv conv_;
    WgmmaParams params_;
    WgmmaTile tile_;
    WgmmaKernel kernel_;
    int blocks_ = 0;
};

/// tf32 has smaller tiles in another family alone. That one multiplies half as fast, and is the better one also where
/// more than half of what is multiplied here is padding.
bool leave_to_igemm(const Conv& conv, const DeviceCaps& caps, const WgmmaTile& tile) {
    if (tile.math != Math::tf32) return false;
    const auto whole = [](int size, int by) { return ceil_div(size, by) * double(by); };
    const int c = conv.packed_c(), k = conv.packed_k();
    return wgmma_too_few(count_tiles(conv, tile), caps) || whole(c, tile.bk) * whole(k, tile.bm) > 2. * c * k;
}

double clocks(const Conv& conv, const DeviceCaps& caps, const WgmmaTile& tile) {
    constexpr double kLoadedPerClock = 60, kLatency = 700, kSquaresPerFinish = .7, kTie = 1;
    const ConvProblem& p = conv.problem;
    const int tiles = count_tiles(conv, tile);
    if (tile.blocks > 1 || leave_to_igemm(conv, caps, tile)) return std::numeric_limits<double>::infinity();
    const int steps = p.r * p.s * ceil_div(conv.packed_c(), tile.bk);
    // All stages but the one that is read are on their way.
    const double load = tile.stage_bytes() / kLoadedPerClock, wait = (kLatency + load) / (tile.stages - 1);
    const double step = std::max({wgmma_products(tile.bm, tile.bn, tile.row_bytes()), load, wait});
    const double multiply = steps * step + (p.residual ? tile.output_bytes() / kLoadedPerClock : 0);
    const double finish = kWgmmaFinishPerSum / 2 * tile.output_bytes();
    const int waves = ceil_div(tiles, caps.multiprocessors);
    // Threads store every pixel four times, which nothing hides where tiles are few.
    const double squares = conv.upsample == 2 && wgmma_too_few(tiles, caps) ? kSquaresPerFinish * finish : 0;
    const double in_turns = wgmma_clocks(waves, multiply, finish) + squares;
    if (!tile.both) return in_turns;
    // A tile of both is finished sooner. By how much was measured in whole networks alone, so that here it wins a tie.
    return waves == 1 ? in_turns - kTie : std::numeric_limits<double>::infinity();
}

template <typename SHAPE>
constexpr ReckonedRow row(const char* name) {
    return {{
                name,
                [](const Conv& conv, const DeviceCaps& caps) { return supports(conv, caps, SHAPE::kTile); },
                [](const Conv& conv, const DeviceCaps& caps, const ConvLibraries&) -> std::unique_ptr<PreparedConv> {
                    return std::make_unique<PreparedWgmma>(conv, caps, SHAPE::kTile,
                                                           wgmma_kernel<SHAPE>(WgmmaEpilogue(conv).plain()));
                },
            },
            [](const Conv& conv, const DeviceCaps& caps) { return clocks(conv, caps, SHAPE::kTile); }};
}

using namespace wgmma;

constexpr ReckonedRow kRows[] = {
    row<Tile_128x168x64>("wgmma_128x168x64_s4"),         row<Tile_128x128x64>("wgmma_128x128x64_s4"),
    row<Tile_128x88x64>("wgmma_128x88x64_s5"),           row<Tile_128x64x64>("wgmma_128x64x64_s6"),
    row<Tile_64x256x64>("wgmma_64x256x64_s4"),           row<Tile_64x256x32>("wgmma_64x256x32_s7"),
    row<Tile_64x168x64>("wgmma_64x168x64_s5"),           row<Tile_64x128x64>("wgmma_64x128x64_s6"),
    row<Both_128x168x64>("wgmma_both_128x168x64_s4"),    row<Both_128x128x64>("wgmma_both_128x128x64_s5"),
    row<Both_128x88x64>("wgmma_both_128x88x64_s7"),      row<Both_128x64x64>("wgmma_both_128x64x64_s8"),
    row<Tile_64x88x64_Twice>("wgmma_64x88x64_s4_twice"), row<Tf32_128x168x32>("wgmma_tf32_128x168x32_s3"),
    row<Tf32_128x128x32>("wgmma_tf32_128x128x32_s5"),    row<Tf32_128x88x32>("wgmma_tf32_128x88x32_s5"),
    row<Tf32_64x128x32>("wgmma_tf32_64x128x32_s6"),
};

}  // namespace

std::span<const ReckonedRow> wgmma_rows() {
    if (!CONVOY_SM_90A) return {};
    return kRows;
}

}  // namespace convoy::kernels::cuda
