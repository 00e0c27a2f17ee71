// SPDX-License-Identifier: MIT
//
// Convolution by plain loops: any problem, either type. It is what the other candidates are checked against on the
// GPU, so nothing in it is clever. Math::tf32 is computed as fp32, the more exact of the two.
#include <cuda_fp16.h>

#include "kernels/cuda/activation.cuh"
#include "kernels/cuda/check.h"
#include "kernels/cuda/conv/rows.h"

namespace convoy::kernels::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kPixels = 4;  // per thread: a weight is read once for all of them

struct Direct {
    Conv conv;
    int p, q;
    int packed_k;
    std::size_t filter_stride;  // elements of the packed weights between two output channels
    int tap_stride;             // and between two of a filter's R·S taps
};

/// A thread takes one output channel (x) of kPixels pixels (y), neighbours in (N, P, Q) order.
template <typename T>
__global__ void __launch_bounds__(kThreads, 4) conv_direct(Direct d, ConvPointers at) {
    const ConvProblem& problem = d.conv.problem;
    const unsigned first = (blockIdx.x * blockDim.y + threadIdx.y) * kPixels;
    const int k = blockIdx.y * blockDim.x + threadIdx.x;
    if (k >= d.packed_k) return;

    int n[kPixels], row[kPixels], column[kPixels];
    float sum[kPixels] = {};
    for (int i = 0; i < kPixels; ++i) {
        column[i] = (first + i) % d.q;
        row[i] = (first + i) / d.q % d.p;
        n[i] = (first + i) / d.q / d.p;
    }

    if (k < problem.k) {  // the surplus lanes belong to no group
        const int c_per_group = problem.c / problem.groups, group = k / (problem.k / problem.groups);
        const T* weights = static_cast<const T*>(at.weights) + k * d.filter_stride;
        for (int r = 0; r < problem.r; ++r)
            for (int s = 0; s < problem.s; ++s, weights += d.tap_stride) {
                const T* x[kPixels];
                for (int i = 0; i < kPixels; ++i) {
                    const int h = row[i] * problem.stride_h - problem.pad_h + r * problem.dilation;
                    const int w = column[i] * problem.stride_w - problem.pad_w + s * problem.dilation;
                    const bool inside = n[i] < problem.n && h >= 0 && h < problem.h && w >= 0 && w < problem.w;
                    const std::size_t pixel = (std::size_t(n[i]) * problem.h + h) * problem.w + w;
                    x[i] =
                        inside ? static_cast<const T*>(at.x) + pixel * d.conv.x_pitch + group * c_per_group : nullptr;
                }
                for (int c = 0; c < c_per_group; ++c) {
                    const float weight = float(weights[c]);
                    for (int i = 0; i < kPixels; ++i)
                        if (x[i]) sum[i] = fmaf(float(x[i][c]), weight, sum[i]);
                }
            }
    }

    for (int i = 0; i < kPixels && n[i] < problem.n; ++i) {
        float value = activated(problem.activation, sum[i] + at.bias[k]);
        if (problem.residual) {
            const T* residual = static_cast<const T*>(at.residual) + std::size_t(first + i) * d.conv.residual_pitch;
            value = activated(problem.after_residual, value + float(residual[k]));
        }
        const int times = d.conv.upsample;
        for (int h = row[i] * times; h < (row[i] + 1) * times; ++h)
            for (int w = column[i] * times; w < (column[i] + 1) * times; ++w) {
                const std::size_t pixel = (std::size_t(n[i]) * d.p * times + h) * d.q * times + w;
                static_cast<T*>(at.y)[pixel * d.conv.y_pitch + k] = T(value);
            }
    }
}

class PreparedDirect final : public PreparedConv {
public:
    explicit PreparedDirect(const Conv& conv) {
        const int taps = conv.problem.r * conv.problem.s;
        direct_ = {
            conv,           conv.problem.p(), conv.problem.q(), conv.packed_k(), std::size_t(taps) * conv.packed_c(),
            conv.packed_c()};
        if (conv.depthwise()) direct_.filter_stride = 1, direct_.tap_stride = conv.packed_k();
    }
    void launch(const ConvPointers& pointers, Stream stream) const override {
        const std::size_t pixels = std::size_t(direct_.conv.problem.n) * direct_.p * direct_.q;
        const dim3 block(direct_.packed_k < 32 ? 8 : 32, kThreads / (direct_.packed_k < 32 ? 8 : 32));
        const dim3 grid(unsigned((pixels + kPixels * block.y - 1) / (kPixels * block.y)),
                        (direct_.packed_k + block.x - 1) / block.x);
        const auto kernel = storage(direct_.conv.math) == DataType::fp16 ? conv_direct<__half> : conv_direct<float>;
        kernel<<<grid, block, 0, stream>>>(direct_, pointers);
        check_launch("conv_direct");
    }

private:
    Direct direct_;
};

constexpr ConvCandidate kRows[] = {{
    "direct",
    [](const Conv&, const DeviceCaps&) { return true; },
    [](const Conv& conv, const DeviceCaps&, const ConvLibraries&) -> std::unique_ptr<PreparedConv> {
        return std::make_unique<PreparedDirect>(conv);
    },
}};

}  // namespace

std::span<const ConvCandidate> direct_rows() { return kRows; }

}  // namespace convoy::kernels::cuda
