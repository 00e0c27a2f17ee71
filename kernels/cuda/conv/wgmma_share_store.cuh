// SPDX-License-Identifier: MIT
//
// From the sums of a cluster's blocks to y, by way of shared memory. For wgmma_share_kernel.cuh.
#pragma once

#include <utility>

#include "kernels/cuda/conv/wgmma_share.cuh"
#include "kernels/cuda/ptx/cluster.cuh"
#include "kernels/cuda/ptx/griddepcontrol.cuh"
#include "kernels/cuda/ptx/ld_st.cuh"
#include "kernels/cuda/ptx/ldmatrix.cuh"
#include "kernels/cuda/ptx/wgmma.cuh"

namespace convoy::kernels::cuda {

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

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
/// same bits every time.
template <int BN, int SPLITS, int RANK>
__device__ __forceinline__ void share_unite_as(const float (&sums)[BN / 2], const unsigned char* inbox, int rank,
                                               float (&all)[4 * share_most_groups(BN, SPLITS)]) {
    constexpr int kFirst = share_first_group(BN, SPLITS, RANK), kEnd = share_first_group(BN, SPLITS, RANK + 1);
    if (RANK != rank) return;
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
            float* to = all + 4 * j;
            if (from == 0)
                to[0] = four.x, to[1] = four.y, to[2] = four.z, to[3] = four.w;
            else
                to[0] += four.x, to[1] += four.y, to[2] += four.z, to[3] += four.w;
        }
#pragma unroll
    for (int i = 4 * (kEnd - kFirst); i < 4 * share_most_groups(BN, SPLITS); ++i) all[i] = 0;
}

/// A thread's sums of what other blocks finish go to them: nobody fetches them.
template <int BN, int SPLITS, int... BLOCK>
__device__ __forceinline__ void share_send(const float (&sums)[BN / 2], std::uint32_t inbox, std::uint32_t arrived,
                                           int rank, std::integer_sequence<int, BLOCK...>) {
    (share_send_to<BN, SPLITS, BLOCK>(sums, inbox, arrived, rank), ...);
}

/// What this block finishes.
template <int BN, int SPLITS, int... BLOCK>
__device__ __forceinline__ void share_unite(const float (&sums)[BN / 2], const unsigned char* inbox, int rank,
                                            float (&all)[4 * share_most_groups(BN, SPLITS)],
                                            std::integer_sequence<int, BLOCK...>) {
    (share_unite_as<BN, SPLITS, BLOCK>(sums, inbox, rank, all), ...);
}

/// Whether a place of the tile has a pixel of the output, and which.
template <ShareKind KIND>
__device__ __forceinline__ bool share_has_output(const WgmmaShareParams& p, const ShareTask& task, int row,
                                                 int in_row) {
    if (!p.has_halo<KIND>()) return row == 0 && task.column + in_row < p.pixels;
    return row < p.tile_h && in_row < p.tile_w && task.row + row < p.p && task.column + in_row < p.q;
}
template <ShareKind KIND>
__device__ __forceinline__ int share_output(const WgmmaShareParams& p, const ShareTask& task, int row, int in_row) {
    if (!p.has_halo<KIND>()) return task.column + in_row;
    return (task.n * p.p + task.row + row) * p.q + task.column + in_row;
}

/// What a warp finishes of the tile: 16 channels of its block's pixels. Sums come as `wgmma` leaves them, channels down
/// and pixels across; by way of the warp's own piece of shared memory they become two vectors of eight channels of a
/// pixel, side by side in two threads.
template <int BN, int SPLITS, ShareKind KIND>
struct ShareFinish {
    static constexpr int kGroups = share_most_groups(BN, SPLITS), kPairs = ceil_div(kGroups, 2), kSums = 4 * kGroups;
    static constexpr int kAtOnce = 16, kTurns = ceil_div(kGroups * kShareGroup, kAtOnce);  // pixels
    // Whether there are registers for residuals beside the sums.
    static constexpr bool kEarly = BN / 2 * wgmma_sets(BN) + 4 * kTurns <= 128;
    static constexpr int kLanes = vector_lanes(DataType::fp16);

    // Of this thread's vectors, in vectors behind the tensor's first, of which supports() lets there be 2^31: where
    // they go, and where residuals are.
    std::uint32_t y[kTurns], from[kTurns];
    bool inside[kTurns];
    float bias[2];
    uint4 residual[kTurns];
    std::uint32_t more[kPairs][4];  // residuals as sums lie

    /// All that does not depend on the layer before, and so may come before it has ended.
    __device__ __forceinline__ void prepare(const WgmmaShareParams& p, const ShareTask& task) {
        const int of_warp = task.k + threadIdx.x / 32 * 16, lane = threadIdx.x % 32;
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            const int of_sums = of_warp + 8 * i + lane / 4;
            bias[i] = of_sums < p.output.k ? p.output.bias[of_sums] : 0;
        }
        const int channel = of_warp + lane % 2 * 8;
        const int before = kShareGroup * share_first_group(BN, SPLITS, task.rank),
                  end = kShareGroup * share_first_group(BN, SPLITS, task.rank + 1);
#pragma unroll
        for (int turn = 0; turn < kTurns; ++turn) {
            const int column = before + turn * kAtOnce + lane / 2;
            const auto [row, in_row] = p.by_pitch(column);
            inside[turn] = channel < p.output.k && column < end && share_has_output<KIND>(p, task, row, in_row);
            const int m = share_output<KIND>(p, task, row, in_row);
            y[turn] = p.output.place(m) * p.y_vectors + channel / kLanes;
            from[turn] = m * p.residual_vectors + channel / kLanes;
            asm volatile("" : "+r"(y[turn]), "+r"(from[turn]));  // computed here, not where they are needed
        }
    }

    /// When the layer before has ended.
    __device__ __forceinline__ void begin(const WgmmaShareParams& p) {
        griddepcontrol_wait();
        if (kEarly) load_residual(p);
    }

    /// While other blocks' sums are under way: residuals, by way of `memory`, which this warp has for itself.
    __device__ __forceinline__ void turn_residual(const WgmmaShareParams& p, std::uint32_t memory) {
        if (!p.output.residual) return;
        if (!kEarly) load_residual(p);
#pragma unroll
        for (int turn = 0; turn < kTurns; ++turn) st_shared_v4(vector(memory, turn), residual[turn]);
        __syncwarp();
#pragma unroll
        for (int pair = 0; pair < kPairs; ++pair) ldmatrix_x4_trans(more[pair], matrix_row(memory, pair));
        __syncwarp();  // all have read what outputs replace
    }

    /// From the sums of all blocks of the cluster to y, by way of `memory`, which this warp has for itself.
    __device__ __forceinline__ void run(const WgmmaShareParams& p, float (&sums)[kSums], std::uint32_t memory) {
        if (KIND != ShareKind::any || p.output.sloped()) return store<Sloped>(p, sums, memory);
        if constexpr (KIND == ShareKind::any) store<AnyActivation>(p, sums, memory);
    }

private:
    __device__ __forceinline__ void load_residual(const WgmmaShareParams& p) {
        if (!p.output.residual) return;
#pragma unroll
        for (int turn = 0; turn < kTurns; ++turn)
            residual[turn] = ld_global_v4(static_cast<const uint4*>(p.output.residual) + from[turn], inside[turn]);
    }

    // The memory: eight channels of every pixel, then the other eight, apart by what keeps banks apart.
    static constexpr int kOtherEight = kTurns * kAtOnce * 16 + 64;
    static_assert(2 * kOtherEight <= share_warp_bytes(BN, SPLITS));
    /// This thread's vector.
    static __device__ __forceinline__ std::uint32_t vector(std::uint32_t memory, int turn) {
        const int lane = threadIdx.x % 32;
        return memory + lane % 2 * kOtherEight + (turn * kAtOnce + lane / 2) * 16;
    }
    /// The row whose address it gives of four matrices: two groups of pixels, eight channels and eight.
    static __device__ __forceinline__ std::uint32_t matrix_row(std::uint32_t memory, int pair) {
        const int lane = threadIdx.x % 32;
        return memory + lane / 8 % 2 * kOtherEight + ((2 * pair + lane / 16) * kShareGroup + lane % 8) * 16;
    }

    template <typename Act>
    __device__ __forceinline__ void store(const WgmmaShareParams& p, float (&sums)[kSums], std::uint32_t memory) {
#pragma unroll
        for (int i = 0; i < kSums; ++i) sums[i] += bias[i / 2 % 2];
        activate(Act(p.output.activation), sums);
        if (p.output.residual) {
#pragma unroll
            for (int i = 0; i < kSums; i += 2) {
                const float2 two = __half22float2(reinterpret_cast<const __half2&>(more[i / 8][i / 2 % 4]));
                sums[i] += two.x, sums[i + 1] += two.y;
            }
            if (p.output.after_residual != Activation::linear) activate(Act(p.output.after_residual), sums);
        }
#pragma unroll
        for (int pair = 0; pair < kPairs; ++pair) {
            std::uint32_t out[4] = {};
#pragma unroll
            for (int i = 0; i < 4; ++i)
                if (8 * pair + 2 * i < kSums) {
                    const __half2 halves = __floats2half2_rn(sums[8 * pair + 2 * i], sums[8 * pair + 2 * i + 1]);
                    out[i] = reinterpret_cast<const std::uint32_t&>(halves);
                }
            stmatrix_x4_trans(matrix_row(memory, pair), out);
        }
        __syncwarp();
        uint4 all[kTurns];  // all under way before the first is used
#pragma unroll
        for (int turn = 0; turn < kTurns; ++turn) all[turn] = ld_shared_v4(vector(memory, turn));
        uint4* to = static_cast<uint4*>(p.output.y);
        const int row = p.y_vectors, below = 2 * p.output.by_q.divisor() * row;
#pragma unroll
        for (int turn = 0; turn < kTurns; ++turn) st_global_v4(to + y[turn], all[turn], inside[turn]);
        if (p.output.upsample != 2) return;
#pragma unroll
        for (int turn = 0; turn < kTurns; ++turn) {
            uint4* at = to + y[turn];
            st_global_v4(at + row, all[turn], inside[turn]);
            st_global_v4(at + below, all[turn], inside[turn]);
            st_global_v4(at + below + row, all[turn], inside[turn]);
        }
    }

    /// Some at a time, since quotients take registers.
    template <typename Act>
    static __device__ __forceinline__ void activate(const Act& act, float (&sums)[kSums]) {
        constexpr int kSome = 16, kRest = kSums % kSome;
#pragma unroll
        for (int i = 0; i + kSome <= kSums; i += kSome) activate_some<kSome>(act, sums, i);
        if constexpr (kRest > 0) activate_some<kRest>(act, sums, kSums - kRest);
    }
    /// Two channels of one pixel are a pair (activate_pair()).
    template <int N, typename Act>
    static __device__ __forceinline__ void activate_some(const Act& act, float (&sums)[kSums], int first) {
        constexpr auto turned = [](int i) { return (i & ~3) | (i & 1) << 1 | (i >> 1 & 1); };
        float some[N];
#pragma unroll
        for (int i = 0; i < N; ++i) some[i] = sums[first + turned(i)];
        act(some);
#pragma unroll
        for (int i = 0; i < N; ++i) sums[first + turned(i)] = some[i];
    }
};

#endif  // __CUDA_ARCH_FEAT_SM90_ALL

}  // namespace convoy::kernels::cuda
