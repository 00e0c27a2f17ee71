// SPDX-License-Identifier: MIT
//
// Depthwise convolution: every channel on its own, so there is nothing for tensor cores and the layer should run at the
// speed of memory. A thread takes 16 bytes of channels and OUT neighbouring outputs of a row: each input vector is read
// and widened to float once for all outputs that it is under. Threads follow each other along the channels, then down
// kBand rows, then along the row: what one row of a band reads, the next finds in L1.
#include <cuda_fp16.h>

#include "kernels/cuda/conv/rows.h"
#include "kernels/cuda/conv/store.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/ptx/griddepcontrol.cuh"

namespace convoy::kernels::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kBand = 4;
/// Of a thread. With stride 2 neighbours share less, and more of them would need more registers than they save loads.
constexpr int outputs(int stride) { return stride == 1 ? 4 : 2; }

struct Depthwise {
    Conv conv;
    int p, q;
    unsigned vectors, strips, bands;  // of channels, of outputs along a row, of rows
};

/// SIZE x SIZE with stride STRIDE in both directions and no dilation; SIZE 0: anything, with OUT = 1.
template <typename T, int SIZE, int STRIDE, int OUT>
__global__ void __launch_bounds__(kThreads, 4) conv_depthwise(Depthwise d, ConvPointers at) {
    constexpr int kLanes = 16 / sizeof(T);
    using Vector = Lanes<T, kLanes>;
    const auto vector = [](const T* from) { return *reinterpret_cast<const Vector*>(from); };
    const ConvProblem& problem = d.conv.problem;
    const int size_r = SIZE ? SIZE : problem.r, size_s = SIZE ? SIZE : problem.s,
              dilation = SIZE ? 1 : problem.dilation;
    unsigned rest = blockIdx.x * kThreads + threadIdx.x;
    const int k = rest % d.vectors * kLanes;
    rest /= d.vectors;
    const int row_of_band = rest % kBand;
    rest /= kBand;
    const int column = rest % d.strips * OUT;
    rest /= d.strips;
    const int row = rest % d.bands * kBand + row_of_band, n = rest / d.bands;
    griddepcontrol_launch_dependents();
    if (row >= d.p || n >= problem.n) return;

    float sums[OUT][kLanes];
#pragma unroll
    for (int i = 0; i < OUT * kLanes; ++i) sums[i / kLanes][i % kLanes] = at.bias[k + i % kLanes];

    griddepcontrol_wait();
    const int top = row * problem.stride_h - problem.pad_h, left = column * problem.stride_w - problem.pad_w;
    const T* x = static_cast<const T*>(at.x) + std::size_t(n) * problem.h * problem.w * d.conv.x_pitch + k;
    const T* weights = static_cast<const T*>(at.weights) + k;
    const int packed_k = d.vectors * kLanes;
    for (int r = 0; r < size_r; ++r) {
        const int h = top + r * dilation;
        if (unsigned(h) >= unsigned(problem.h)) continue;
        const T* x_row = x + (std::ptrdiff_t(h) * problem.w + left) * d.conv.x_pitch;  // left may lie outside
        const T* weights_row = weights + r * size_s * packed_k;
        const auto input = [&](int i) {
            const bool inside = unsigned(left + i * dilation) < unsigned(problem.w);
            return inside ? vector(x_row + i * dilation * d.conv.x_pitch) : Vector{};
        };
        const auto accumulate = [&](float(&sum)[kLanes], const float(&value)[kLanes], int s) {
            float weight[kLanes];
            to_floats<T>(vector(weights_row + s * packed_k), weight);
#pragma unroll
            for (int lane = 0; lane < kLanes; ++lane) sum[lane] = fmaf(value[lane], weight[lane], sum[lane]);
        };
        float value[kLanes];
        if constexpr (SIZE == 0) {
            for (int s = 0; s < size_s; ++s) {
                to_floats<T>(input(s), value);
                accumulate(sums[0], value, s);
            }
        } else {
            constexpr int kInputs = (OUT - 1) * STRIDE + SIZE;
            Vector inputs[kInputs];  // all under way before the first is used
#pragma unroll
            for (int i = 0; i < kInputs; ++i) inputs[i] = input(i);
#pragma unroll
            for (int i = 0; i < kInputs; ++i) {
                to_floats<T>(inputs[i], value);
#pragma unroll
                for (int o = 0; o < OUT; ++o)
                    if (i - o * STRIDE >= 0 && i - o * STRIDE < SIZE) accumulate(sums[o], value, i - o * STRIDE);
            }
        }
    }

    finish<T>(d.conv, at, (std::size_t(n) * d.p + row) * d.q + column, d.q - column, k, sums);
}

using Kernel = void (*)(Depthwise, ConvPointers);

template <typename T>
Kernel specialised(const ConvProblem& p) {
    if (p.r != p.s || p.stride_h != p.stride_w || p.dilation != 1) return nullptr;
    if (p.r == 3 && p.stride_w == 1) return conv_depthwise<T, 3, 1, outputs(1)>;
    if (p.r == 3 && p.stride_w == 2) return conv_depthwise<T, 3, 2, outputs(2)>;
    if (p.r == 5 && p.stride_w == 1) return conv_depthwise<T, 5, 1, outputs(1)>;
    if (p.r == 5 && p.stride_w == 2) return conv_depthwise<T, 5, 2, outputs(2)>;
    return nullptr;
}

class PreparedDepthwise final : public PreparedConv {
public:
    explicit PreparedDepthwise(const Conv& conv) {
        const ConvProblem& problem = conv.problem;
        const bool half = storage(conv.math) == DataType::fp16;
        kernel_ = half ? specialised<__half>(problem) : specialised<float>(problem);
        const int width = kernel_ ? outputs(problem.stride_w) : 1;
        if (!kernel_) kernel_ = half ? conv_depthwise<__half, 0, 1, 1> : conv_depthwise<float, 0, 1, 1>;
        d_ = {.conv = conv,
              .p = problem.p(),
              .q = problem.q(),
              .vectors = unsigned(conv.packed_k() / vector_lanes(storage(conv.math))),
              .strips = unsigned((problem.q() + width - 1) / width),
              .bands = unsigned((problem.p() + kBand - 1) / kBand)};
    }
    std::size_t threads() const { return std::size_t(d_.conv.problem.n) * d_.bands * kBand * d_.strips * d_.vectors; }
    void launch(const ConvPointers& pointers, Stream stream) const override {
        const dim3 grid(unsigned((threads() + kThreads - 1) / kThreads));
        launch_dependent(kernel_, grid, kThreads, 0, stream, 1, d_, pointers);
    }

private:
    Depthwise d_;
    Kernel kernel_;
};

bool supports(const Conv& conv, const DeviceCaps&) {
    return conv.depthwise() && conv.upsample == 1 && conv.x_pitch >= conv.packed_k() &&
           PreparedDepthwise(conv).threads() < (std::size_t(1) << 32) - kThreads;
}

constexpr ConvCandidate kRows[] = {{
    "depthwise",
    supports,
    [](const Conv& conv, const DeviceCaps&, const ConvLibraries&) -> std::unique_ptr<PreparedConv> {
        return std::make_unique<PreparedDepthwise>(conv);
    },
}};

}  // namespace

std::span<const ConvCandidate> depthwise_rows() { return kRows; }

}  // namespace convoy::kernels::cuda
