// SPDX-License-Identifier: MIT
//
// What the Hopper family's kernels do alike in the device's code: their place in a ring, and sums on their way to the
// output's shared memory.
#pragma once

#include <cuda_fp16.h>

#include <type_traits>

#include "kernels/cuda/activation.cuh"
#include "kernels/cuda/conv/wgmma.cuh"
#include "kernels/cuda/ptx/ld_st.cuh"
#include "kernels/cuda/ptx/ldmatrix.cuh"

namespace convoy::kernels::cuda {

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

// The block's barriers, one for each of the two warpgroups that compute.
constexpr int kWgmmaTurn = 1, kWgmmaFinished = 3;

/// What all threads of a warp have alike. By a shuffle: where nvcc sees that, addresses of operands stay in uniform
/// registers, and what lies in shared memory is not asked of the block's place in its cluster again and again.
template <typename T>
__device__ __forceinline__ T wgmma_uniform(T value) {
    return __shfl_sync(~0u, value, 0);
}

/// The first place that swizzled rows may begin at.
__device__ __forceinline__ std::uint32_t wgmma_align(std::uint32_t shared) { return (shared + 1023) / 1024 * 1024; }

/// A place in the ring of stages.
template <int STAGES>
struct WgmmaRing {
    int stage = 0, parity = 0;

    __device__ __forceinline__ void next() {
        if (++stage < STAGES) return;
        stage = 0, parity ^= 1;
    }
    __device__ static WgmmaRing at(int i) { return {i % STAGES, i / STAGES & 1}; }
};

struct WgmmaSlope {
    float slope;  // up to 1
    __device__ __forceinline__ void operator()(float& x, float& y) const {
        x = fmaxf(x, slope * x);
        y = fmaxf(y, slope * y);
    }
};
struct WgmmaAsIs {
    __device__ __forceinline__ void operator()(float&, float&) const {}
};
template <Activation ACTIVATION>
struct WgmmaQuotient {
    __device__ __forceinline__ void operator()(float& x, float& y) const { activate_pair<ACTIVATION>(x, y); }
};

/// What a thread has of its warpgroup's tile: in every half the sums of channels 16 warp + lane / 4 and eight further,
/// of pixels 8 j + 2 (lane % 4) and the next.
template <int BM, int BN>
struct WgmmaSums {
    static constexpr int kHalves = BM / 64;
    float of[kHalves][BN / 2];
    float bias[kHalves][2];

    __device__ __forceinline__ void load_bias(const WgmmaEpilogue& p, int first_channel) {
#pragma unroll
        for (int half = 0; half < kHalves; ++half)
#pragma unroll
            for (int row = 0; row < 2; ++row) {
                const int channel =
                    first_channel + 64 * half + threadIdx.x % 128 / 32 * 16 + threadIdx.x % 32 / 4 + 8 * row;
                bias[half][row] = channel < p.k ? __ldg(p.bias + channel) : 0.f;
            }
    }
};

/// A thread's sums of eight pixels: two of a channel, the same two of the other. Two channels of one pixel are a pair
/// (activate_pair()).
template <int BM, int BN, typename Act>
__device__ __forceinline__ float4 wgmma_activated(const WgmmaSums<BM, BN>& sums, int half, int block, Act activation) {
    const float* four = &sums.of[half][4 * block];
    const float* bias = sums.bias[half];
    float4 v{four[0] + bias[0], four[1] + bias[0], four[2] + bias[1], four[3] + bias[1]};
    activation(v.x, v.z), activation(v.y, v.w);
    return v;
}

/// Sums to the output's memory, as the copy engine stores them: they are columns of 8 x 8 matrices whose rows are
/// pixels. The residual lies there already, or `to_residual` bytes (of 1,024) further on, and is read two matrices
/// ahead of what is written. Says store(half) of each 64 channels. `output` is any pixel's, since the swizzle follows
/// from addresses alone.
template <bool RESIDUAL, int BM, int BN, typename Act, typename After, typename Store>
__device__ __forceinline__ void wgmma_write(const WgmmaSums<BM, BN>& sums, std::uint32_t output, Act activation,
                                            After after, Store store, std::uint32_t to_residual = 0) {
    constexpr int kBlocks = BN / 8, kPairs = (kBlocks + 1) / 2, kAll = BM / 64 * kPairs;
    const int warp = threadIdx.x / 32 % 4, lane = threadIdx.x % 32;
    // Of four matrices at once: 16 channels of 16 pixels.
    const int pixel = lane / 16 * 8 + lane % 8, vector = 2 * warp + lane / 8 % 2;
    const int swizzle = (lane + output / kWgmmaOutputRow) % 8;
    const std::uint32_t row = output + pixel * kWgmmaOutputRow + ((vector ^ swizzle) << 4);
    const auto alone = [](int pair) { return 2 * (pair % kPairs) + 1 == kBlocks; };
    // Where there is no second block, nobody reads what is behind it.
    const auto place = [&](int pair) {
        return row + (pair / kPairs * BN + pair % kPairs * 16) * kWgmmaOutputRow -
               (alone(pair) ? lane / 16 * 8 * kWgmmaOutputRow : 0);
    };
    std::uint32_t residual[2][4];  // of this pair of blocks and the next
    if (RESIDUAL) ldmatrix_x4_trans(residual[0], place(0) + to_residual);
#pragma unroll
    for (int pair = 0; pair < kAll; ++pair) {
        const int half = pair / kPairs, j = 2 * (pair % kPairs);
        std::uint32_t out[4];
        if (RESIDUAL && pair + 1 < kAll) ldmatrix_x4_trans(residual[(pair + 1) % 2], place(pair + 1) + to_residual);
#pragma unroll
        for (int block = 0; block < (alone(pair) ? 1 : 2); ++block) {
            float4 v = wgmma_activated(sums, half, j + block, activation);
            if (RESIDUAL) {
                const auto more = [&](int row) {
                    return __half22float2(reinterpret_cast<const __half2&>(residual[pair % 2][2 * block + row]));
                };
                v = {v.x + more(0).x, v.y + more(0).y, v.z + more(1).x, v.w + more(1).y};
                after(v.x, v.y), after(v.z, v.w);
            }
            const __half2 halves[] = {__floats2half2_rn(v.x, v.y), __floats2half2_rn(v.z, v.w)};
            out[2 * block] = reinterpret_cast<const std::uint32_t&>(halves[0]);
            out[2 * block + 1] = reinterpret_cast<const std::uint32_t&>(halves[1]);
        }
        if (alone(pair))
            stmatrix_x2_trans(place(pair), out);
        else
            stmatrix_x4_trans(place(pair), out);
        if (pair % kPairs + 1 == kPairs) store(half);
    }
}

/// The same of floats, one by one: a warp's are eight channels of every other of eight pixels, which the swizzle puts
/// into 32 banks.
template <bool RESIDUAL, int BM, int BN, typename Act, typename After, typename Store>
__device__ __forceinline__ void wgmma_write_floats(const WgmmaSums<BM, BN>& sums, std::uint32_t output, Act activation,
                                                   After after, Store store) {
    constexpr int kBlocks = BN / 8, kAll = BM / 64 * kBlocks;
    const int warp = threadIdx.x / 32 % 4, lane = threadIdx.x % 32;
    const int pixel = lane % 4 * 2, vector = warp % 2 * 4 + lane / 16;  // of a box of 32 channels
    const std::uint32_t row = output + (warp / 2 * BN + pixel) * kWgmmaOutputRow + lane / 4 % 4 * 4;
    // Of a sum in its four: that of channel 8 i and pixel l further on.
    const auto place = [&](int block, int i, int l) {
        return row + (((vector + 2 * i) ^ (pixel + l)) << 4) +
               (block / kBlocks * 2 * BN + block % kBlocks * 8 + l) * kWgmmaOutputRow;
    };
    float residual[2][4];  // of this block of pixels and the next
    const auto load_residual = [&](int block) {
#pragma unroll
        for (int i = 0; i < 4; ++i) residual[block % 2][i] = ld_shared_f32(place(block, i / 2, i % 2));
    };
    if (RESIDUAL) load_residual(0);
#pragma unroll
    for (int block = 0; block < kAll; ++block) {
        const int half = block / kBlocks, j = block % kBlocks;
        if (RESIDUAL && block + 1 < kAll) load_residual(block + 1);
        float4 v = wgmma_activated(sums, half, j, activation);
        if (RESIDUAL) {
            const float* more = residual[block % 2];
            v = {v.x + more[0], v.y + more[1], v.z + more[2], v.w + more[3]};
            after(v.x, v.y), after(v.z, v.w);
        }
        st_shared_f32(place(block, 0, 0), v.x);
        st_shared_f32(place(block, 0, 1), v.y);
        st_shared_f32(place(block, 1, 0), v.z);
        st_shared_f32(place(block, 1, 1), v.w);
        if (j + 1 == kBlocks) store(half);
    }
}

template <Math MATH, bool PLAIN, int BM, int BN, typename Store>
__device__ __forceinline__ void wgmma_finish(const WgmmaEpilogue& p, const WgmmaSums<BM, BN>& sums,
                                             std::uint32_t output, Store store, std::uint32_t to_residual = 0) {
    const auto write_as = [&](auto residual, auto activation, auto after) {
        if constexpr (MATH == Math::fp16)
            wgmma_write<residual.value>(sums, output, activation, after, store, to_residual);
        else
            wgmma_write_floats<residual.value>(sums, output, activation, after, store);
    };
    const auto write = [&](auto activation) {
        if (p.residual)
            write_as(std::true_type(), activation, WgmmaSlope{p.after_slope});
        else
            write_as(std::false_type(), activation, WgmmaAsIs());
    };
    const WgmmaSlope slope{wgmma_slope(p.activation)};
    if constexpr (PLAIN) {
        if (p.residual)
            write_as(std::true_type(), slope, WgmmaAsIs());
        else
            write_as(std::false_type(), slope, WgmmaAsIs());
        return;
    } else {
        switch (p.activation) {
            case Activation::mish:
                return write(WgmmaQuotient<Activation::mish>());
            case Activation::swish:
                return write(WgmmaQuotient<Activation::swish>());
            case Activation::logistic:
                return write(WgmmaQuotient<Activation::logistic>());
            default:
                return write(slope);
        }
    }
}

#endif  // __CUDA_ARCH_FEAT_SM90_ALL

}  // namespace convoy::kernels::cuda
