// SPDX-License-Identifier: MIT
#include "engine/cuda/conv_check.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <vector>

namespace convoy {
namespace k = kernels::cuda;
using k::GuardedSlice;
using kernels::DataType;

namespace {

constexpr float kTolerance32 = 1e-4f, kTolerance16 = 4e-3f;  // absolute and relative, for outputs of about 1
// A byte of what surrounds x: 6e4 in fp16, 1e36 in fp32. Finite, since only a zero weight may keep it out of the sums.
constexpr int kGlaring = 0x7b;

// `channels` of `rows` rows of `width` pixels. A kernel that strays goes a row or a tile too far: as much is guarded,
// in whole 256 bytes.
GuardedSlice layout(std::size_t rows, int width, int channels, int pitch, DataType type) {
    constexpr std::size_t kTallestTile = 256, kPixels = 32;  // of the smallest pitch in 256 bytes
    const std::size_t guard = std::max(kTallestTile, (2 * std::size_t(width) + kPixels - 1) / kPixels * kPixels);
    return {rows * std::size_t(width), pitch, channels, std::min(kernels::padded_channels(channels, type), pitch),
            guard * std::size_t(pitch)};
}

DeviceBuffer filled(const GuardedSlice& layout, int byte, DataType type, std::uint32_t seed, cudaStream_t stream,
                    const Patience& patience) {
    DeviceBuffer buffer(layout.elements() * kernels::size_of(type), "tuning", &patience);
    cuda_check(cudaMemsetAsync(buffer.data(), byte, buffer.bytes(), stream), "memset");
    k::fill_noise(buffer.data(), type, layout, seed, 1.f, stream);
    return buffer;
}

// Packed on the host, so that surplus channels are zero as in a network; scaled so that sums are of about 1.
DeviceBuffer noise_weights(const k::Conv& conv, int copies, cudaStream_t stream, const Patience& patience) {
    const kernels::ConvProblem& p = conv.problem;
    std::vector<float> w(p.weight_count());
    const float scale = 3.f / std::sqrt(float(p.r * p.s * (p.c / p.groups)));
    std::uint32_t state = 1;
    for (float& f : w) f = (float((state = state * 1664525u + 1013904223u) >> 8) * 0x1p-23f - 1.f) * scale;
    std::vector<std::byte> packed(conv.packed_elements() * kernels::size_of(k::storage(conv.math)));
    k::pack_weights(conv, w.data(), nullptr, packed.data());
    DeviceBuffer buffer(packed.size() * std::size_t(copies), "tuning", &patience);
    for (int i = 0; i < copies; ++i)
        cuda_check(cudaMemcpyAsync(buffer.data() + packed.size() * std::size_t(i), packed.data(), packed.size(),
                                   cudaMemcpyHostToDevice, stream),
                   "tuning");
    return buffer;
}

DeviceBuffer copy_of(const DeviceBuffer& from, cudaStream_t stream, const Patience& patience) {
    DeviceBuffer buffer(from.bytes(), "tuning", &patience);
    cuda_check(cudaMemcpyAsync(buffer.data(), from.data(), from.bytes(), cudaMemcpyDeviceToDevice, stream), "tuning");
    return buffer;
}

std::string describe(const k::OutputFaults& faults) {
    std::ostringstream out;
    const auto rule = [&] { out << (out.tellp() > 0 ? ", " : ""); };
    if (std::isinf(faults.worst))
        rule(), out << "leaves channels without a number";
    else if (!(faults.worst <= 1))
        rule(), out << "differs from the plain one by " << faults.worst << " times the tolerance";
    if (faults.surplus) rule(), out << "leaves " << faults.surplus << " surplus lanes that are not finite";
    if (faults.foreign) rule(), out << "writes " << faults.foreign << " elements outside of its slice";
    return out.str();
}

}  // namespace

ConvCheck::Layouts::Layouts(const k::Conv& conv) {
    const kernels::ConvProblem& p = conv.problem;
    const DataType type = k::storage(conv.math);
    const int up = conv.upsample;
    const std::size_t out_rows = std::size_t(p.n) * std::size_t(p.p() * up);
    x = layout(std::size_t(p.n) * std::size_t(p.h), p.w, p.c, conv.x_pitch, type);
    y = layout(out_rows, p.q() * up, p.k, conv.y_pitch, type);
    if (p.residual) residual = layout(out_rows, p.q() * up, p.k, conv.residual_pitch, type);
}

ConvCheck::ConvCheck(const k::Conv& conv, const k::DeviceCaps& caps, const k::ConvLibraries& libraries,
                     cudaStream_t stream, Patience& patience)
    : conv_(conv), layouts_(conv), stream_(stream), patience_(patience) {
    const DataType type = k::storage(conv.math);
    x_ = filled(layouts_.x, kGlaring, type, 1, stream, patience);
    if (conv.problem.residual) residual_ = filled(layouts_.residual, k::kPoison, type, 4, stream, patience);
    prepare(caps, libraries);
}

ConvCheck::ConvCheck(const ConvCheck& before, const k::Conv& conv, const k::DeviceCaps& caps,
                     const k::ConvLibraries& libraries)
    : conv_(conv), layouts_(conv), stream_(before.stream_), patience_(before.patience_) {
    x_ = copy_of(before.expected_, stream_, patience_);
    if (conv.problem.residual) residual_ = copy_of(before.x_, stream_, patience_);
    prepare(caps, libraries);
}

void ConvCheck::prepare(const k::DeviceCaps& caps, const k::ConvLibraries& libraries) {
    const DataType type = k::storage(conv_.math);
    weights_ = noise_weights(conv_, kCopies, stream_, patience_);
    bias_ = DeviceBuffer(std::size_t(conv_.packed_k()) * sizeof(float), "tuning", &patience_);
    k::fill_noise(bias_.data(), DataType::fp32, std::size_t(conv_.packed_k()), 3, 1.f, stream_);
    y_ = filled(layouts_.y, k::kPoison, type, 5, stream_, patience_);
    expected_ = filled(layouts_.y, k::kPoison, type, 6, stream_, patience_);
    faults_ = DeviceBuffer(sizeof(k::OutputFaults), "tuning", &patience_);
    k::conv_candidates().front().prepare(conv_, caps, libraries)->launch(pointers(expected_), stream_);
}

std::size_t ConvCheck::device_bytes(const k::Conv& conv) {
    const Layouts layouts(conv);
    const std::size_t elements = layouts.x.elements() + kCopies * conv.packed_elements() + 2 * layouts.y.elements() +
                                 layouts.residual.elements();
    return kernels::size_of(k::storage(conv.math)) * elements + sizeof(float) * std::size_t(conv.packed_k()) +
           sizeof(k::OutputFaults);
}

std::byte* ConvCheck::first_pixel(const DeviceBuffer& buffer, const GuardedSlice& layout) const {
    return buffer.data() + layout.guard * kernels::size_of(k::storage(conv_.math));
}

k::ConvPointers ConvCheck::pointers(const DeviceBuffer& to) const {
    k::ConvPointers p;
    p.x = first_pixel(x_, layouts_.x);
    p.weights = weights_.data();
    p.bias = reinterpret_cast<const float*>(bias_.data());
    if (conv_.problem.residual) p.residual = first_pixel(residual_, layouts_.residual);
    p.y = first_pixel(to, layouts_.y);
    p.workspace = workspace_.data();
    return p;
}

void ConvCheck::need_workspace(const k::PreparedConv& kernel) {
    if (kernel.workspace_bytes() > workspace_.bytes())
        workspace_ = DeviceBuffer(kernel.workspace_bytes(), "workspace", &patience_);
}

void ConvCheck::run(const k::PreparedConv& kernel, bool in_place) {
    k::ConvPointers p = pointers(y_);
    if (in_place) {
        cuda_check(cudaMemcpyAsync(y_.data(), residual_.data(), y_.bytes(), cudaMemcpyDeviceToDevice, stream_),
                   "copy of the residual");
        p.residual = p.y;
    } else {
        cuda_check(cudaMemsetAsync(y_.data(), k::kPoison, y_.bytes(), stream_), "poison");
    }
    kernel.launch(p, stream_);
    find_faults();
}

void ConvCheck::find_faults() {
    const float tolerance = conv_.math == k::Math::fp32 ? kTolerance32 : kTolerance16;
    k::find_faults(y_.data(), expected_.data(), k::storage(conv_.math), layouts_.y, tolerance, tolerance,
                   reinterpret_cast<k::OutputFaults*>(faults_.data()), stream_);
}

ConvCheck::Verdict ConvCheck::judge(const k::PreparedConv& kernel) {
    need_workspace(kernel);
    cuda_check(cudaMemsetAsync(faults_.data(), 0, faults_.bytes(), stream_), "memset");
    run(kernel, false);
    if (conv_.problem.residual && conv_.residual_pitch == conv_.y_pitch) run(kernel, true);
    return verdict();
}

ConvCheck::Verdict ConvCheck::judge(const k::PreparedConvPair& kernel, const ConvCheck& before) {
    cuda_check(cudaMemsetAsync(faults_.data(), 0, faults_.bytes(), stream_), "memset");
    cuda_check(cudaMemsetAsync(y_.data(), k::kPoison, y_.bytes(), stream_), "poison");
    launch(kernel, before, stream_);
    find_faults();
    return verdict();
}

ConvCheck::Verdict ConvCheck::verdict() {
    k::OutputFaults faults;
    wait_for(patience_, stream_, "a kernel that is checked", Patience::Manner::spin);  // a copy to `faults` would block
    cuda_check(cudaMemcpyAsync(&faults, faults_.data(), sizeof faults, cudaMemcpyDeviceToHost, stream_), "read back");
    wait_for(patience_, stream_, "read back", Patience::Manner::spin);
    return {faults.worst, describe(faults)};
}

void ConvCheck::launch(const k::PreparedConv& kernel, cudaStream_t stream, int copy) {
    need_workspace(kernel);
    k::ConvPointers p = pointers(y_);
    p.weights = weights_.data() + weights_.bytes() / kCopies * std::size_t(copy);
    kernel.launch(p, stream);
}

void ConvCheck::launch(const k::PreparedConvPair& kernel, const ConvCheck& before, cudaStream_t stream) const {
    kernel.launch({before.first_pixel(before.x_, before.layouts_.x), before.weights_.data(),
                   reinterpret_cast<const float*>(before.bias_.data()), weights_.data(),
                   reinterpret_cast<const float*>(bias_.data()), first_pixel(y_, layouts_.y)},
                  stream);
}

}  // namespace convoy
