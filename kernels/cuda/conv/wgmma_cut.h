// SPDX-License-Identifier: MIT
//
// A convolution's output cut into rectangles, whose pixels with their halo the copy engine loads as one box.
#pragma once

#include <algorithm>

#include "kernels/conv.h"
#include "kernels/cuda/fast_divmod.h"

namespace convoy::kernels::cuda {

struct WgmmaCut {
    int tile_h = 0, tile_w = 0;  // 0: not at all
    int columns = 0, rows = 0;   // of tiles in a picture

    int tiles() const { return columns * rows; }
};

/// Stride 1. Into the fewest tiles of up to `sums` pixels, those between two rows of outputs included, and boxes of up
/// to `box` pixels.
inline WgmmaCut wgmma_cut(const ConvProblem& p, int sums, int box) {
    constexpr int kMaxBox = 256;  // pixels in either direction
    constexpr int kMostColumns = 16;
    WgmmaCut best;
    for (int columns = 1; columns <= std::min(p.q(), kMostColumns); ++columns) {
        const int tile_w = ceil_div(p.q(), columns), pitch = tile_w + p.s - 1;
        const int of_sums = (sums + p.s - 1) / pitch, of_box = box / pitch - p.r + 1;
        const int tile_h = std::min({of_sums, of_box, kMaxBox - p.r + 1, p.p()});
        if (pitch > kMaxBox || tile_h < 1) continue;
        const WgmmaCut next{tile_h, tile_w, columns, ceil_div(p.p(), tile_h)};
        if (best.tile_h == 0 || next.tiles() < best.tiles()) best = next;
    }
    return best;
}

}  // namespace convoy::kernels::cuda
