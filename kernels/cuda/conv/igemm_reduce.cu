// SPDX-License-Identifier: MIT
//
// The second half of a split implicit GEMM where blocks cannot meet in a cluster: adds the splits' partial sums, always
// in the same order, and finishes the outputs.
#include "kernels/cuda/conv/igemm.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/ptx/griddepcontrol.cuh"

namespace convoy::kernels::cuda {
namespace {

constexpr int kThreads = 128;

/// A thread finishes 16 bytes of one pixel.
template <typename T, typename Act>
__global__ void __launch_bounds__(kThreads) conv_igemm_reduce(const IgemmParams p, const FastDivmod by_vectors) {
    using Epilogue = ConvEpilogue<T, Act>;
    constexpr int kLanes = Epilogue::kLanes;
    griddepcontrol_launch_dependents();
    const auto [m, vector] = by_vectors(blockIdx.x * kThreads + threadIdx.x);
    griddepcontrol_wait();
    if (m >= p.m) return;

    const Epilogue epilogue(p, vector * kLanes);
    const auto residual = p.residual ? epilogue.residual(m) : typename Epilogue::Vector{};
    float sum[kLanes] = {};
    const float* from = p.partial_sums + std::size_t(m) * p.k + vector * kLanes;
    for (int split = 0; split < p.splits; ++split, from += std::size_t(p.m) * p.k)
#pragma unroll
        for (int i = 0; i < kLanes; i += 4) {
            const float4 four = *reinterpret_cast<const float4*>(from + i);
            sum[i] += four.x, sum[i + 1] += four.y, sum[i + 2] += four.z, sum[i + 3] += four.w;
        }
    epilogue.store(m, sum, residual);
}

template <typename T>
void launch(const IgemmParams& p, Stream stream) {
    const int vectors = p.k * int(sizeof(T)) / 16;
    const unsigned blocks = (unsigned(p.m) * vectors + kThreads - 1) / kThreads;
    const bool sloped = Sloped::fits(p.activation) && Sloped::fits(p.after_residual);
    launch_dependent(sloped ? conv_igemm_reduce<T, Sloped> : conv_igemm_reduce<T, AnyActivation>, blocks, kThreads, 0,
                     stream, 1, p, FastDivmod(vectors));
}

}  // namespace

void launch_igemm_reduce(const IgemmParams& p, Math math, Stream stream) {
    math == Math::fp16 ? launch<__half>(p, stream) : launch<float>(p, stream);
}

}  // namespace convoy::kernels::cuda
