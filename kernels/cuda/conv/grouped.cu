// SPDX-License-Identifier: MIT
//
// Convolution in groups of whole vectors of channels. Groups are too narrow for an implicit GEMM's tiles, so the
// products are plain ones: a thread takes 16 bytes of output channels, all of one group, of kPixels neighbouring
// pixels. A warp is 4 such vectors wide and 8 threads of pixels high, so that each load serves several of its threads.
#include <cuda_fp16.h>

#include "kernels/cuda/conv/rows.h"
#include "kernels/cuda/conv/store.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/ptx/griddepcontrol.cuh"

namespace convoy::kernels::cuda {
namespace {

constexpr int kVectors = 4, kPixelThreads = 32;  // of a block
constexpr int kPixels = 4;

struct Grouped {
    Conv conv;
    int p, q;
};

template <typename T>
__global__ void __launch_bounds__(kVectors* kPixelThreads, 3) conv_grouped(Grouped grouped, ConvPointers at) {
    constexpr int kLanes = 16 / sizeof(T);
    using Vector = Lanes<T, kLanes>;
    const ConvProblem& problem = grouped.conv.problem;
    const int k = (blockIdx.y * kVectors + threadIdx.x) * kLanes;
    const unsigned first = (blockIdx.x * kPixelThreads + threadIdx.y) * kPixels;
    const int valid = problem.n * grouped.p * grouped.q - int(first);
    griddepcontrol_launch_dependents();
    if (k >= problem.k || valid <= 0) return;

    const int c_per_group = problem.c / problem.groups, filter = problem.r * problem.s * c_per_group;
    const T* weights = static_cast<const T*>(at.weights) + std::size_t(k) * filter;
    const T* x = static_cast<const T*>(at.x) + k / (problem.k / problem.groups) * c_per_group;
    int image[kPixels], top[kPixels], left[kPixels];
    float sums[kPixels][kLanes];
#pragma unroll
    for (int i = 0; i < kPixels; ++i) {
        image[i] = (first + i) / grouped.q / grouped.p * problem.h;
        top[i] = (first + i) / grouped.q % grouped.p * problem.stride_h - problem.pad_h;
        left[i] = (first + i) % grouped.q * problem.stride_w - problem.pad_w;
#pragma unroll
        for (int lane = 0; lane < kLanes; ++lane) sums[i][lane] = at.bias[k + lane];
    }

    griddepcontrol_wait();
    for (int r = 0; r < problem.r; ++r)
        for (int s = 0; s < problem.s; ++s) {
            const T* pixel[kPixels];
#pragma unroll
            for (int i = 0; i < kPixels; ++i) {
                const int h = top[i] + r * problem.dilation, w = left[i] + s * problem.dilation;
                const bool inside = i < valid && unsigned(h) < unsigned(problem.h) && unsigned(w) < unsigned(problem.w);
                pixel[i] = inside ? x + (std::size_t(image[i] + h) * problem.w + w) * grouped.conv.x_pitch : nullptr;
            }
            for (int c = 0; c < c_per_group; c += kLanes, weights += kLanes) {
                float input[kPixels][kLanes];
#pragma unroll
                for (int i = 0; i < kPixels; ++i)
                    to_floats<T>(pixel[i] ? *reinterpret_cast<const Vector*>(pixel[i] + c) : Vector{}, input[i]);
#pragma unroll
                for (int lane = 0; lane < kLanes; ++lane) {
                    float weight[kLanes];
                    load(weights + lane * filter, weight);
#pragma unroll
                    for (int i = 0; i < kPixels; ++i)
#pragma unroll
                        for (int j = 0; j < kLanes; ++j) sums[i][lane] = fmaf(input[i][j], weight[j], sums[i][lane]);
                }
            }
        }
    finish<T>(grouped.conv, at, first, valid, k, sums);
}

class PreparedGrouped final : public PreparedConv {
public:
    explicit PreparedGrouped(const Conv& conv) : grouped_{conv, conv.problem.p(), conv.problem.q()} {}
    void launch(const ConvPointers& pointers, Stream stream) const override {
        const Conv& conv = grouped_.conv;
        const int pixels = conv.problem.n * grouped_.p * grouped_.q, in_block = kPixels * kPixelThreads;
        const int channels = kVectors * vector_lanes(storage(conv.math));
        const dim3 grid((pixels + in_block - 1) / in_block, (conv.problem.k + channels - 1) / channels);
        const auto kernel = storage(conv.math) == DataType::fp16 ? conv_grouped<__half> : conv_grouped<float>;
        launch_dependent(kernel, grid, dim3(kVectors, kPixelThreads), 0, stream, 1, grouped_, pointers);
    }

private:
    Grouped grouped_;
};

bool supports(const Conv& conv, const DeviceCaps&) {
    const ConvProblem& problem = conv.problem;
    const int group_lanes = problem.groups * vector_lanes(storage(conv.math));
    return problem.groups > 1 && problem.c % group_lanes == 0 && problem.k % group_lanes == 0 && conv.upsample == 1;
}

constexpr ConvCandidate kRows[] = {{
    "grouped",
    supports,
    [](const Conv& conv, const DeviceCaps&, const ConvLibraries&) -> std::unique_ptr<PreparedConv> {
        return std::make_unique<PreparedGrouped>(conv);
    },
}};

}  // namespace

std::span<const ConvCandidate> grouped_rows() { return kRows; }

}  // namespace convoy::kernels::cuda
