// SPDX-License-Identifier: MIT
//
// What the kernel for few pixels of the Hopper family, its launcher and its table share. wgmma_share.cu tells how it
// works.
#pragma once

#include <cuda.h>

#include "kernels/cuda/conv/output.cuh"

namespace convoy::kernels::cuda {

constexpr int kShareChannels = 64;                                              // of the output, a tile's
constexpr int kShareWarpgroup = 128, kShareThreads = kShareWarpgroup + 2 * 32;  // that multiply; and that load
constexpr int kShareMaxStages = 16, kShareMaxHalos = 2;
constexpr int kShareBarriers = 2 * (kShareMaxStages + kShareMaxHalos) + 1;

constexpr int kShareAlign = 1024;  // of a box, whose swizzle goes by addresses

__host__ __device__ constexpr unsigned share_align(unsigned bytes) {
    return (bytes + kShareAlign - 1) / kShareAlign * kShareAlign;
}
/// From one row of BN pixels of BK channels to the next.
constexpr int share_box_bytes(int bn, int bk) { return int(share_align(2 * bk * bn)); }

// Blocks of a cluster share the columns of a tile by groups of eight, of which a thread of the warpgroup has two
// channels of two pixels: 16 bytes.
constexpr int kShareGroup = 8, kShareGroupBytes = kShareGroup * kShareChannels * int(sizeof(float));
/// The first group of block `rank`'s; one more than the last of the block before.
__host__ __device__ constexpr int share_first_group(int bn, int splits, int rank) {
    return rank * (bn / kShareGroup) / splits;
}
constexpr int share_most_groups(int bn, int splits) { return ceil_div(bn / kShareGroup, splits); }
/// What a block gets from one other at most, and from all.
constexpr int share_part_bytes(int bn, int splits) { return share_most_groups(bn, splits) * kShareGroupBytes; }
constexpr int share_inbox_bytes(int bn, int splits) { return (splits - 1) * share_part_bytes(bn, splits); }
/// Of a warp's outputs: 16 channels of what its block finishes, in halves.
constexpr int share_warp_bytes(int bn, int splits) {
    return 2 * (ceil_div(share_most_groups(bn, splits), 2) * 2 * kShareGroup * 16 + 64);
}
constexpr int share_outputs_bytes(int bn, int splits) { return kShareWarpgroup / 32 * share_warp_bytes(bn, splits); }

/// What a kernel knows before it is launched. Those that know more have less code, of which few pixels leave no time to
/// fetch what is not needed.
enum class ShareKind {
    any,   ///< nothing
    halo,  ///< pixels come as rectangles with halos, outputs are sums or the larger of them and a share of them
    rows,  ///< pixels come in rows; outputs as above
};

/// One launch. K is cut into parts: BK channels of one tap.
struct WgmmaShareParams {
    ConvOutput output;
    int splits;                 // blocks of a cluster, which share the parts
    int parts, taps, taps_s;    // in order: the taps of the first channels, those of the next
    int filter_c;               // elements of a tap in a row of the weights
    int group;                  // parts of a stage
    bool halo;                  // a box serves all taps; else there is one for every part, of its tap's pixels in a row
    bool blocks;                // one tap: a copy brings all parts of a stage; else one for each
    int tile_h, tile_w, pitch;  // output pixels, and from one row of them to the next; without halo a row of BN
    int stride_h, stride_w, pad_h, pad_w, dilation;
    int stages, boxes;                // places in shared memory; boxes: of halos
    int box_bytes, loaded_bytes;      // from one to the next, and what comes
    int inbox;                        // where other blocks' sums come, in bytes behind the first stage
    int p, q, pixels;                 // of the output: rows, columns, all
    int y_vectors, residual_vectors;  // of 16 bytes, from one pixel to the next
    FastDivmod by_splits, by_k_tiles, by_columns, by_rows, by_pitch, by_taps, by_taps_s, by_pq;

    template <ShareKind KIND>
    __device__ __forceinline__ bool has_halo() const {
        return KIND == ShareKind::any ? halo : KIND == ShareKind::halo;
    }
};

/// A block's work: a tile of the output, and its share of the parts.
struct ShareTask {
    int k;               // the first output channel
    int column, row, n;  // of the tile's first pixel; without halo `column` counts all of the batch's pixels
    int first, end;      // parts
    int rank;

    template <int BN, ShareKind KIND>
    static __device__ __forceinline__ ShareTask of(const WgmmaShareParams& p) {
        const auto [tile, rank] = p.by_splits(blockIdx.x);
        const auto [pixels, k] = p.by_k_tiles(tile);
        ShareTask task{k * kShareChannels, pixels * BN, 0, 0, 0, 0, rank};
        task.first = p.by_splits(rank * p.parts).quotient, task.end = p.by_splits((rank + 1) * p.parts).quotient;
        if (!p.has_halo<KIND>()) return task;
        const auto [rows, column] = p.by_columns(pixels);
        const auto [image, row] = p.by_rows(rows);
        task.column = column * p.tile_w, task.row = row * p.tile_h, task.n = image;
        return task;
    }
};

/// The tensors as the copy engine sees them.
struct WgmmaShareMaps {
    CUtensorMap x, weights;
};

using WgmmaShareKernel = void (*)(WgmmaShareParams, WgmmaShareMaps);

/// Output pixels, those between two rows included; input channels of a part, 64 or 32; blocks of a cluster.
template <int BN, int BK, int SPLITS, ShareKind KIND>
WgmmaShareKernel wgmma_share_kernel();

}  // namespace convoy::kernels::cuda
