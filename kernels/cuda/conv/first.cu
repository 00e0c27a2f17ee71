// SPDX-License-Identifier: MIT
//
// The network's first layer: up to 4 input channels, a pixel of x being 4 halves (or floats, for tf32). The reduction
// is short (36 for 3x3), so the layer is a matter of memory: weights stay in registers, x passes through shared memory
// once, and results go from the accumulators straight to memory.
//
// A block computes `rows` x 32 outputs from the part of x under them in shared memory; a warp, 16 neighbours of a row
// at a time, by mma.sync with output channels as its rows and pixels as its columns. The orders of channels, pixels and
// of the reduction inside an mma are ours to choose; with lane = 4 g + t:
//   - t takes all channels of tap 4 * step + t: one load from shared memory, and no register is moved afterwards;
//   - row g + 8 h of mma `block` is channel (2 BLOCKS) g + 2 block + h: a thread holds neighbouring channels;
//   - column 2 t + e is pixel t + 4 e: a store covers 4 neighbouring pixels, all their channels, whole lines.
#include <cuda_fp16.h>
#include <cuda_pipeline_primitives.h>

#include "kernels/cuda/conv/rows.h"
#include "kernels/cuda/lanes.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/ptx/griddepcontrol.cuh"
#include "kernels/cuda/ptx/mma.cuh"

namespace convoy::kernels::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kColumns = 32;  // outputs of a block along a row: two pairs of mma columns
constexpr int kMaxRows = 32, kMinRows = 4;
constexpr int kTapsPerStep = 4;
constexpr std::size_t kSharedBytes = 48 << 10;  // what every block may have

struct First {
    int h, w, p, q;
    int s, taps, stride_h, stride_w, pad_h, pad_w, dilation;
    int packed_k, k_blocks, y_pitch;
    Activation activation;
    int rows = 0;                     // of outputs in a block
    int in_rows = 0, in_columns = 0;  // of x under them
    int tile_pitch = 0;               // pixels between rows in shared memory
};

template <typename T>
using Pixel = std::conditional_t<std::is_same_v<T, __half>, uint2, uint4>;

__device__ __forceinline__ uint2 rounded(uint2 pixel) { return pixel; }
__device__ __forceinline__ uint4 rounded(uint4 pixel) {
    return {cvt_rna_tf32_f32(pixel.x), cvt_rna_tf32_f32(pixel.y), cvt_rna_tf32_f32(pixel.z), cvt_rna_tf32_f32(pixel.w)};
}

/// Adds four taps of 8 outputs for 16 output channels: weights of channel rows g (`even`) and g + 8 (`odd`).
__device__ __forceinline__ void multiply(float (&sums)[4], uint2 even, uint2 odd, uint2 x) {
    mma_m16n8k16_f16(sums, {even.x, odd.x, even.y, odd.y}, {x.x, x.y});
}
__device__ __forceinline__ void multiply(float (&sums)[4], uint4 even, uint4 odd, uint4 x) {
    mma_m16n8k8_tf32(sums, {even.x, odd.x, even.y, odd.y}, {x.x, x.y});
    mma_m16n8k8_tf32(sums, {even.z, odd.z, even.w, odd.w}, {x.z, x.w});
}

/// STEPS of four taps, BLOCKS of 16 output channels.
template <typename T, int STEPS, int BLOCKS>
__global__ void __launch_bounds__(kThreads, STEPS > 7 ? 2 : 4) conv_first(First f, ConvPointers at) {
    constexpr int kVector = 2 * BLOCKS;  // output channels of one thread
    extern __shared__ uint4 shared[];
    Pixel<T>* tile = reinterpret_cast<Pixel<T>*>(shared);  // (in_rows, tile_pitch)
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    const int first_q = blockIdx.x / f.k_blocks * kColumns, first_p = blockIdx.y * f.rows, n = blockIdx.z;
    const int k = (blockIdx.x % f.k_blocks * 8 + g) * kVector;  // this thread's channels, none or all of them real

    griddepcontrol_launch_dependents();
    Pixel<T> weights[STEPS][kVector];
    int offset[STEPS];  // of this thread's taps in the tile
#pragma unroll
    for (int step = 0; step < STEPS; ++step) {
        const int tap = step * kTapsPerStep + t, real = min(tap, f.taps - 1);  // beyond the last one weights are zero
        offset[step] = (real / f.s * f.tile_pitch + real % f.s) * f.dilation;
#pragma unroll
        for (int i = 0; i < kVector; ++i)
            weights[step][i] = tap < f.taps && k < f.packed_k
                                   ? rounded(static_cast<const Pixel<T>*>(at.weights)[(k + i) * f.taps + tap])
                                   : Pixel<T>{};
    }
    float bias[kVector];
#pragma unroll
    for (int i = 0; i < kVector; ++i) bias[i] = k < f.packed_k ? at.bias[k + i] : 0.f;

    griddepcontrol_wait();
    const Pixel<T>* x = static_cast<const Pixel<T>*>(at.x) + std::size_t(n) * f.h * f.w;
    for (int row = warp; row < f.in_rows; row += kThreads / 32)
        for (int column = lane; column < f.in_columns; column += 32) {
            const int h = first_p * f.stride_h - f.pad_h + row, w = first_q * f.stride_w - f.pad_w + column;
            const bool inside = unsigned(h) < unsigned(f.h) && unsigned(w) < unsigned(f.w);
            __pipeline_memcpy_async(&tile[row * f.tile_pitch + column], inside ? &x[std::size_t(h) * f.w + w] : x,
                                    sizeof(Pixel<T>), inside ? 0 : sizeof(Pixel<T>));
        }
    __pipeline_commit();
    __pipeline_wait_prior(0);
    __syncthreads();

    const int column = warp % 2 * 16, first_row = warp / 2, row_step = kThreads / 64;
    const int valid = k < f.packed_k ? f.q - (first_q + column + t) : 0;  // pixels from this thread's first to the end
    const Pixel<T>* window = tile + first_row * f.stride_h * f.tile_pitch + (column + g / 2 + g % 2 * 4) * f.stride_w;
    T* y = static_cast<T*>(at.y) +
           ((std::size_t(n) * f.p + first_p + first_row) * f.q + first_q + column + t) * f.y_pitch + k;
    for (int row = first_row; row < min(f.rows, f.p - first_p); row += row_step) {
        float sums[2][BLOCKS][4];  // [eight pixels][16 channels][2 h + e]
#pragma unroll
        for (int i = 0; i < 8 * BLOCKS; ++i) sums[i / 4 / BLOCKS][i / 4 % BLOCKS][i % 4] = bias[i / 2 % kVector];
#pragma unroll
        for (int step = 0; step < STEPS; ++step)
#pragma unroll
            for (int eight = 0; eight < 2; ++eight) {
                const Pixel<T> taps = rounded(window[offset[step] + eight * 8 * f.stride_w]);
#pragma unroll
                for (int b = 0; b < BLOCKS; ++b)
                    multiply(sums[eight][b], weights[step][2 * b], weights[step][2 * b + 1], taps);
            }
        float values[4][kVector];  // of the pixels 0, 4, 8, 12 after this thread's first
#pragma unroll
        for (int i = 0; i < 4 * kVector; ++i) {
            const int pixel = i / kVector, channel = i % kVector;
            values[pixel][channel] = sums[pixel / 2][channel / 2][channel % 2 * 2 + pixel % 2];
        }
        activate(f.activation, values);
#pragma unroll
        for (int i = 0; i < 4; ++i)
            if (4 * i < valid) store(y + 4 * i * f.y_pitch, values[i]);
        window += row_step * f.stride_h * f.tile_pitch;
        y += std::size_t(row_step) * f.q * f.y_pitch;
    }
}

using Kernel = void (*)(First, ConvPointers);

template <typename T, int STEPS>
Kernel with_blocks(int blocks) {
    return blocks == 1 ? conv_first<T, STEPS, 1> : conv_first<T, STEPS, 2>;
}

/// Null where there are more taps than registers for their weights.
Kernel kernel_for(Math math, int taps, int blocks) {
    const int steps = (taps + kTapsPerStep - 1) / kTapsPerStep;
    if (math == Math::tf32) return steps <= 3 ? with_blocks<float, 3>(blocks) : nullptr;
    return steps <= 3    ? with_blocks<__half, 3>(blocks)
           : steps <= 7  ? with_blocks<__half, 7>(blocks)
           : steps <= 13 ? with_blocks<__half, 13>(blocks)
                         : nullptr;
}

class PreparedFirst final : public PreparedConv {
public:
    PreparedFirst(const Conv& conv, const DeviceCaps& caps) {
        const ConvProblem& problem = conv.problem;
        const int packed_k = conv.packed_k(), blocks = packed_k <= 16 ? 1 : 2;
        f_ = {.h = problem.h,
              .w = problem.w,
              .p = problem.p(),
              .q = problem.q(),
              .s = problem.s,
              .taps = problem.r * problem.s,
              .stride_h = problem.stride_h,
              .stride_w = problem.stride_w,
              .pad_h = problem.pad_h,
              .pad_w = problem.pad_w,
              .dilation = problem.dilation,
              .packed_k = packed_k,
              .k_blocks = (packed_k + 16 * blocks - 1) / (16 * blocks),
              .y_pitch = conv.y_pitch,
              .activation = problem.activation};
        // Rows half a period of the banks apart: a quad's taps lie in up to two of them.
        const int pixel_bytes = 4 * int(size_of(storage(conv.math))), half_period = 64 / pixel_bytes;
        f_.in_columns = (kColumns - 1) * problem.stride_w + (problem.s - 1) * problem.dilation + 1;
        f_.tile_pitch = (f_.in_columns + half_period - 1) / (2 * half_period) * (2 * half_period) + half_period;
        // Tall blocks read less of x twice, as long as every multiprocessor gets some.
        for (f_.rows = kMaxRows;; f_.rows /= 2) {
            f_.in_rows = (f_.rows - 1) * problem.stride_h + (problem.r - 1) * problem.dilation + 1;
            shared_ = std::size_t(f_.in_rows) * f_.tile_pitch * pixel_bytes;
            grid_ = dim3((f_.q + kColumns - 1) / kColumns * f_.k_blocks, (f_.p + f_.rows - 1) / f_.rows, problem.n);
            const std::size_t count = std::size_t(grid_.x) * grid_.y * grid_.z;
            if (f_.rows == kMinRows || (shared_ <= kSharedBytes && count >= std::size_t(2 * caps.multiprocessors)))
                break;
        }
        kernel_ = kernel_for(conv.math, f_.taps, blocks);
    }
    bool serves() const { return kernel_ && shared_ <= kSharedBytes; }
    void launch(const ConvPointers& pointers, Stream stream) const override {
        launch_dependent(kernel_, grid_, kThreads, shared_, stream, 1, f_, pointers);
    }

private:
    First f_;
    dim3 grid_;
    std::size_t shared_;
    Kernel kernel_;
};

bool supports(const Conv& conv, const DeviceCaps& caps) {
    const ConvProblem& problem = conv.problem;
    return caps.compiled_for >= (conv.math == Math::tf32 ? 80 : 75) && conv.math != Math::fp32 && problem.groups == 1 &&
           problem.c <= 4 && conv.x_pitch == 4 && !problem.residual && conv.upsample == 1 &&
           PreparedFirst(conv, caps).serves();
}

constexpr ConvCandidate kRows[] = {{
    "first",
    supports,
    [](const Conv& conv, const DeviceCaps& caps, const ConvLibraries&) -> std::unique_ptr<PreparedConv> {
        return std::make_unique<PreparedFirst>(conv, caps);
    },
}};

}  // namespace

std::span<const ConvCandidate> first_rows() { return kRows; }

}  // namespace convoy::kernels::cuda
