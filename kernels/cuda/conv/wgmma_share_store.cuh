// SPDX-License-Identifier: MIT
//
// From the sums of a cluster's blocks to y, by way of shared memory. For wgmma_share_kernel.cuh.
#pragma once

#include "kernels/cuda/conv/wgmma_share.cuh"
#include "kernels/cuda/ptx/cluster.cuh"
#include "kernels/cuda/ptx/griddepcontrol.cuh"

namespace convoy::kernels::cuda {

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

/// The place of four channels, at a multiple of four, in a pixel's row of sums: the halves of eight lie apart, so that
/// threads side by side read 16 bytes beside 16 bytes.
__device__ __forceinline__ int share_column(int channel) { return (channel & 4 ? kShareHalf : 0) + channel / 8 * 4; }

/// Of a thread of the warpgroup.
template <int BN>
__device__ __forceinline__ void share_write_sums(const float (&sums)[BN / 2], float* to) {
    const unsigned thread = threadIdx.x, channel = thread / 32 * 16 + thread % 32 / 4, pixel = thread % 4 * 2;
#pragma unroll
    for (int j = 0; j < BN / 8; ++j)
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            const int column = channel + 8 * half;
            float* at = to + (8 * j + pixel) * kShareRow + share_column(column & ~3) + column % 4;
            at[0] = sums[4 * j + 2 * half], at[kShareRow] = sums[4 * j + 2 * half + 1];
        }
}

/// A pixel of the tile in the output; negative where it has none.
__device__ __forceinline__ int share_output(const WgmmaShareParams& p, const ShareTask& task, int row, int in_row) {
    if (!p.halo) return task.column + in_row < p.pixels ? task.column + in_row : -1;
    const int h = task.row + row, w = task.column + in_row;
    return h < p.p && w < p.q ? (task.n * p.p + h) * p.q + w : -1;
}

/// A thread's part of what its block finishes of the tile: eight channels of every so many pixels.
template <int BN, int SPLITS>
struct ShareFinish {
    static constexpr int kLanes = 8, kColumns = kShareChannels / kLanes, kAtOnce = kShareThreads / kColumns;
    static constexpr int kTurns = ceil_div(ceil_div(BN, SPLITS), kAtOnce);
    static constexpr bool kEarly = kTurns <= 5;  // there are registers for residuals beside the sums

    int column, channel;         // in the tile, of the output
    int m[kTurns], row[kTurns];  // pixels of the output, negative where there is none, and where their sums lie
    float bias[kLanes];
    uint4 residual[kTurns];

    /// All that does not depend on the layer before, and so may come before it has ended.
    __device__ __forceinline__ void prepare(const WgmmaShareParams& p, const ShareTask& task) {
        column = threadIdx.x % kColumns * kLanes;
        const bool inside = task.k + column < p.output.k;
        channel = inside ? task.k + column : 0;
        load_bias(p.output.bias + channel, bias);
        const int all = p.tile_h * p.tile_w;
        const int first = p.by_splits(task.rank * all).quotient + threadIdx.x / kColumns;
        const int end = inside ? p.by_splits((task.rank + 1) * all).quotient : 0;
#pragma unroll
        for (int turn = 0; turn < kTurns; ++turn) {
            const int i = first + turn * kAtOnce;
            const auto [tile_row, in_row] = p.by_tile_w(i);
            m[turn] = i < end ? share_output(p, task, tile_row, in_row) : -1;
            row[turn] = (tile_row * p.pitch + in_row) * kShareRow;
            asm volatile("" : "+r"(m[turn]), "+r"(row[turn]));  // computed here, not where it is needed
        }
    }

    /// While the last products are under way.
    __device__ __forceinline__ void begin(const WgmmaShareParams& p) {
        griddepcontrol_wait();
        if (kEarly) load_residual(p);
    }

    __device__ __forceinline__ void load_residual(const WgmmaShareParams& p) {
#pragma unroll
        for (int turn = 0; turn < kTurns; ++turn) residual[turn] = {};
        if (!p.output.residual) return;
#pragma unroll
        for (int turn = 0; turn < kTurns; ++turn)
            if (m[turn] >= 0) residual[turn] = ConvEpilogue<__half, Sloped>::residual(p.output, m[turn], channel);
    }

    /// From the sums of all blocks of the cluster to y.
    template <typename Act>
    __device__ __forceinline__ void store(const WgmmaShareParams& p, const float* sums) {
        const ConvEpilogue<__half, Act> epilogue(p.output, channel, bias);
        const float* mine = sums + share_column(column);
#pragma unroll
        for (int turn = 0; turn < kTurns; ++turn) {
            if (m[turn] < 0) continue;
            float4 four[SPLITS][2];
#pragma unroll
            for (int block = 0; block < SPLITS; ++block) {
                const float* at = mine + row[turn];
                if (SPLITS == 1) {
                    four[block][0] = *reinterpret_cast<const float4*>(at);
                    four[block][1] = *reinterpret_cast<const float4*>(at + kShareHalf);
                    continue;
                }
                const std::uint32_t theirs = mapa(std::uint32_t(__cvta_generic_to_shared(at)), block);
                four[block][0] = ld_shared_cluster_v4_f32(theirs);
                four[block][1] = ld_shared_cluster_v4_f32(theirs + kShareHalf * 4);
            }
            float sum[kLanes] = {};
#pragma unroll
            for (int block = 0; block < SPLITS; ++block)  // always in this order: the same bits every time
#pragma unroll
                for (int half = 0; half < 2; ++half) {
                    float* of = sum + 4 * half;
                    const float4& add = four[block][half];
                    of[0] += add.x, of[1] += add.y, of[2] += add.z, of[3] += add.w;
                }
            epilogue.store(m[turn], sum, residual[turn]);
        }
    }

    /// What the warpgroup has left in `sums`, when all of the block's threads are here.
    __device__ __forceinline__ void run(const WgmmaShareParams& p, const float* sums) {
        __syncwarp();
        if (SPLITS > 1) barrier_cluster_arrive();
        if (!kEarly) load_residual(p);
        __syncwarp();
        if (SPLITS == 1)
            __syncthreads();
        else
            barrier_cluster_wait();
        if (Sloped::fits(p.output.activation) && Sloped::fits(p.output.after_residual))
            store<Sloped>(p, sums);
        else
            store<AnyActivation>(p, sums);
        __syncwarp();
        if (SPLITS > 1)
            barrier_cluster_arrive_relaxed(), barrier_cluster_wait();  // nobody leaves while others read its sums
    }
};

#endif  // __CUDA_ARCH_FEAT_SM90_ALL

}  // namespace convoy::kernels::cuda
