// SPDX-License-Identifier: MIT
#include "engine/cuda/conv_check.h"

#include <cmath>
#include <vector>

#include "kernels/tuning.h"

namespace convoy {
namespace k = kernels::cuda;
using kernels::DataType;

namespace {

constexpr float kTolerance32 = 1e-4f, kTolerance16 = 4e-3f;  // absolute and relative, for outputs of about 1

std::size_t out_pixels(const k::Conv& conv) {
    return std::size_t(conv.problem.n) * conv.problem.p() * conv.problem.q() * conv.upsample * conv.upsample;
}

DeviceBuffer noise(std::size_t elements, DataType type, std::uint32_t seed, cudaStream_t stream) {
    DeviceBuffer buffer(elements * kernels::size_of(type), "tuning");
    k::fill_noise(buffer.data(), type, elements, seed, 1.f, stream);
    return buffer;
}

// Packed on the host, so that surplus channels are zero as in a network; scaled so that sums are of about 1.
DeviceBuffer noise_weights(const k::Conv& conv, int copies) {
    const kernels::ConvProblem& p = conv.problem;
    std::vector<float> w(p.weight_count());
    const float scale = 3.f / std::sqrt(float(p.r * p.s * (p.c / p.groups)));
    std::uint32_t state = 1;
    for (float& f : w) f = (float((state = state * 1664525u + 1013904223u) >> 8) * 0x1p-23f - 1.f) * scale;
    std::vector<std::byte> packed(conv.packed_elements() * kernels::size_of(k::storage(conv.math)));
    k::pack_weights(conv, w.data(), nullptr, packed.data());
    DeviceBuffer buffer(packed.size() * std::size_t(copies), "tuning");
    for (int i = 0; i < copies; ++i)
        cuda_check(cudaMemcpy(buffer.data() + packed.size() * std::size_t(i), packed.data(), packed.size(),
                              cudaMemcpyHostToDevice),
                   "tuning");
    return buffer;
}

}  // namespace

ConvCheck::ConvCheck(const k::Conv& conv, const k::DeviceCaps& caps, const k::ConvLibraries& libraries,
                     cudaStream_t stream)
    : conv_(conv), stream_(stream) {
    const kernels::ConvProblem& p = conv.problem;
    const DataType type = k::storage(conv.math);
    x_ = noise(std::size_t(p.n) * p.h * p.w * conv.x_pitch, type, 1, stream);
    weights_ = noise_weights(conv, kCopies);
    bias_ = noise(std::size_t(conv.packed_k()), DataType::fp32, 3, stream);
    if (p.residual) residual_ = noise(out_pixels(conv) * conv.residual_pitch, type, 4, stream);
    y_ = noise(out_pixels(conv) * conv.y_pitch, type, 5, stream);
    expected_ = noise(out_pixels(conv) * conv.y_pitch, type, 6, stream);
    worst_ = DeviceBuffer(sizeof(float), "tuning");
    k::conv_candidates().front().prepare(conv, caps, libraries)->launch(pointers(expected_), stream);
}

std::size_t ConvCheck::device_bytes(const k::Conv& conv) {
    const kernels::ConvProblem& p = conv.problem;
    const std::size_t outputs = out_pixels(conv) * (2 * conv.y_pitch + conv.residual_pitch);
    return kernels::size_of(k::storage(conv.math)) *
           (std::size_t(p.n) * p.h * p.w * conv.x_pitch + kCopies * conv.packed_elements() + outputs);
}

k::ConvPointers ConvCheck::pointers(const DeviceBuffer& to) const {
    return {x_.data(),        weights_.data(), reinterpret_cast<const float*>(bias_.data()),
            residual_.data(), to.data(),       workspace_.data()};
}

kernels::DeviceTensor ConvCheck::view(const DeviceBuffer& buffer) const {
    const kernels::ConvProblem& p = conv_.problem;
    return {buffer.data(), k::storage(conv_.math), p.n, p.p() * conv_.upsample, p.q() * conv_.upsample,
            p.k,           conv_.y_pitch};
}

void ConvCheck::need_workspace(const k::PreparedConv& kernel) {
    if (kernel.workspace_bytes() > workspace_.bytes()) workspace_ = DeviceBuffer(kernel.workspace_bytes(), "workspace");
}

float ConvCheck::error(const k::PreparedConv& kernel) {
    const float tolerance = conv_.math == k::Math::fp32 ? kTolerance32 : kTolerance16;
    need_workspace(kernel);
    k::ConvPointers p = pointers(y_);
    if (conv_.problem.residual && conv_.residual_pitch == conv_.y_pitch) {
        cuda_check(cudaMemcpyAsync(y_.data(), residual_.data(), y_.bytes(), cudaMemcpyDeviceToDevice, stream_),
                   "copy of the residual");
        p.residual = y_.data();
    } else {
        cuda_check(cudaMemsetAsync(y_.data(), 0xff, y_.bytes(), stream_), "poison");
    }
    cuda_check(cudaMemsetAsync(worst_.data(), 0, sizeof(float), stream_), "memset");
    kernel.launch(p, stream_);
    k::worst_error(view(y_), view(expected_), tolerance, tolerance, reinterpret_cast<float*>(worst_.data()), stream_);
    float worst = 0;
    cuda_check(cudaMemcpyAsync(&worst, worst_.data(), sizeof worst, cudaMemcpyDeviceToHost, stream_), "read back");
    cuda_check(cudaStreamSynchronize(stream_), "kernel");
    return worst;
}

void ConvCheck::launch(const k::PreparedConv& kernel, cudaStream_t stream, int copy) {
    need_workspace(kernel);
    k::ConvPointers p = pointers(y_);
    p.weights = weights_.data() + weights_.bytes() / kCopies * std::size_t(copy);
    kernel.launch(p, stream);
}

}  // namespace convoy
