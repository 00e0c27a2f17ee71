// SPDX-License-Identifier: MIT
//
// From the sums of a cluster's blocks to y, by way of shared memory. For wgmma_share_kernel.cuh.
#pragma once

#include <utility>

#include "kernels/cuda/conv/wgmma_share.cuh"
#include "kernels/cuda/ptx/cluster.cuh"
#include "kernels/cuda/ptx/griddepcontrol.cuh"

namespace convoy::kernels::cuda {

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

/// The place of four channels, at a multiple of four, in a pixel's row of sums: the halves of eight lie apart, so that
/// threads side by side read 16 bytes beside 16 bytes.
__device__ __forceinline__ int share_column(int channel) { return (channel & 4 ? kShareHalf : 0) + channel / 8 * 4; }

/// Of a thread of the warpgroup: its part of a group, two channels of two pixels, to where the group begins.
__device__ __forceinline__ void share_write_group(const float* sums, float* to) {
    const unsigned thread = threadIdx.x, channel = thread / 32 * 16 + thread % 32 / 4, pixel = thread % 4 * 2;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
        const int column = channel + 8 * half;
        float* at = to + pixel * kShareRow + share_column(column & ~3) + column % 4;
        at[0] = sums[2 * half], at[kShareRow] = sums[2 * half + 1];
    }
}

/// Of those that send their sums to block `to`, which is `rank`.
__device__ __forceinline__ int share_sender(int rank, int to) { return rank < to ? rank : rank - 1; }

/// A thread's sums of what block TO finishes, into its shared memory.
template <int BN, int SPLITS, int TO>
__device__ __forceinline__ void share_send_to(const float (&sums)[BN / 2], std::uint32_t inbox, std::uint32_t arrived,
                                              int rank) {
    constexpr int kFirst = share_first_group(BN, SPLITS, TO), kEnd = share_first_group(BN, SPLITS, TO + 1);
    if (TO == rank) return;
    const std::uint32_t counted = mapa(arrived, TO);
    const std::uint32_t theirs =
        mapa(inbox + share_sender(rank, TO) * share_part_bytes(BN, SPLITS) + threadIdx.x * 16, TO);
#pragma unroll
    for (int j = kFirst; j < kEnd; ++j)
        st_async_shared_cluster(theirs + (j - kFirst) * kShareGroupBytes, sums[4 * j], sums[4 * j + 1], sums[4 * j + 2],
                                sums[4 * j + 3], counted);
}

/// If this is block RANK, a thread's sums of what it finishes and what the others sent, in the order of blocks: the
/// same bits every time. All are read before the first is written, since nvcc does not know that they lie apart.
template <int BN, int SPLITS, int RANK>
__device__ __forceinline__ void share_unite_as(const float (&sums)[BN / 2], const unsigned char* inbox, int rank,
                                               float* to) {
    constexpr int kFirst = share_first_group(BN, SPLITS, RANK), kEnd = share_first_group(BN, SPLITS, RANK + 1);
    if (RANK != rank) return;
    float all[kEnd - kFirst][4];
#pragma unroll
    for (int j = 0; j < kEnd - kFirst; ++j)
#pragma unroll
        for (int from = 0; from < SPLITS; ++from) {
            const float* mine = sums + 4 * (kFirst + j);
            float4 four{mine[0], mine[1], mine[2], mine[3]};
            if (from != RANK)
                four =
                    *reinterpret_cast<const float4*>(inbox + share_sender(from, RANK) * share_part_bytes(BN, SPLITS) +
                                                     j * kShareGroupBytes + threadIdx.x * 16);
            if (from == 0)
                all[j][0] = four.x, all[j][1] = four.y, all[j][2] = four.z, all[j][3] = four.w;
            else
                all[j][0] += four.x, all[j][1] += four.y, all[j][2] += four.z, all[j][3] += four.w;
        }
#pragma unroll
    for (int j = 0; j < kEnd - kFirst; ++j) share_write_group(all[j], to + j * kShareGroup * kShareRow);
}

/// A thread's sums of what other blocks finish go to them: nobody fetches them.
template <int BN, int SPLITS, int... BLOCK>
__device__ __forceinline__ void share_send(const float (&sums)[BN / 2], std::uint32_t inbox, std::uint32_t arrived,
                                           int rank, std::integer_sequence<int, BLOCK...>) {
    (share_send_to<BN, SPLITS, BLOCK>(sums, inbox, arrived, rank), ...);
}

/// What this block finishes, to `to`.
template <int BN, int SPLITS, int... BLOCK>
__device__ __forceinline__ void share_unite(const float (&sums)[BN / 2], const unsigned char* inbox, int rank,
                                            float* to, std::integer_sequence<int, BLOCK...>) {
    (share_unite_as<BN, SPLITS, BLOCK>(sums, inbox, rank, to), ...);
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
    static constexpr int kTurns = ceil_div(share_most_groups(BN, SPLITS) * kShareGroup, kAtOnce);
    static constexpr bool kEarly = BN <= 104;  // there are registers for residuals beside the sums

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
        // A block alone leaves out what lies between two rows of the tile; of several each has its groups of columns.
        const int before = kShareGroup * share_first_group(BN, SPLITS, task.rank);
        const int all =
            SPLITS == 1 ? p.tile_h * p.tile_w : kShareGroup * share_first_group(BN, SPLITS, task.rank + 1) - before;
#pragma unroll
        for (int turn = 0; turn < kTurns; ++turn) {
            const int i = threadIdx.x / kColumns + turn * kAtOnce;
            const auto [tile_row, in_row] = SPLITS == 1 ? p.by_tile_w(i) : p.by_pitch(before + i);
            const bool output = inside && i < all && tile_row < p.tile_h && in_row < p.tile_w;
            m[turn] = output ? share_output(p, task, tile_row, in_row) : -1;
            row[turn] = !output ? 0 : (SPLITS == 1 ? tile_row * p.pitch + in_row : i) * kShareRow;
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
        float v[kTurns][kLanes];  // side by side, since a warp has hardly another one to hide behind
#pragma unroll
        for (int turn = 0; turn < kTurns; ++turn)
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                const float4 four = *reinterpret_cast<const float4*>(mine + row[turn] + half * kShareHalf);
                float* to = v[turn] + 4 * half;
                to[0] = four.x, to[1] = four.y, to[2] = four.z, to[3] = four.w;
            }
#pragma unroll
        for (int turn = 0; turn < kTurns; ++turn) epilogue.activate(v[turn]);
        if (p.output.residual)
#pragma unroll
            for (int turn = 0; turn < kTurns; ++turn) epilogue.add(v[turn], residual[turn]);
#pragma unroll
        for (int turn = 0; turn < kTurns; ++turn)
            if (m[turn] >= 0) epilogue.put(m[turn], v[turn]);
    }

    /// What the warpgroup has left in `sums`, when all of the block's threads are here.
    __device__ __forceinline__ void run(const WgmmaShareParams& p, const float* sums) {
        if (!kEarly) load_residual(p);
        __syncthreads();
        if (Sloped::fits(p.output.activation) && Sloped::fits(p.output.after_residual))
            store<Sloped>(p, sums);
        else
            store<AnyActivation>(p, sums);
    }
};

#endif  // __CUDA_ARCH_FEAT_SM90_ALL

}  // namespace convoy::kernels::cuda
