// SPDX-License-Identifier: MIT
//
// How each kind of node is computed.
#include <algorithm>

#include "engine/cpu/backend_cpu.h"
#include "kernels/channels.h"
#include "kernels/elementwise.h"
#include "kernels/local.h"
#include "kernels/pool.h"
#include "kernels/rearrange.h"
#include "kernels/upsample.h"

namespace convoy {
namespace {

/// What is frequent, on numbers of one type; false for everything else.
template <typename T>
bool run_frequent(const Node& node, const std::vector<kernels::View<T>>& in, const kernels::View<T>& out) {
    namespace k = kernels::cpu;
    if (const auto* act = std::get_if<ActivationOp>(&node.op))
        k::activate(act->activation, in[0], out);
    else if (const auto* add = std::get_if<AddOp>(&node.op))
        k::add(add->activation, in[0], in[1], out);
    else if (const auto* pool = std::get_if<MaxpoolOp>(&node.op))
        k::maxpool(pool->size, pool->stride_y, pool->stride_x, pool->padding, in[0], out);
    else if (const auto* up = std::get_if<UpsampleOp>(&node.op))
        k::upsample(up->stride, up->scale, in[0], out);
    else
        return false;
    return true;
}

}  // namespace

void CpuBackend::run_conv(int index, const ConvOp& op, const Place& place) {
    const Node& node = plan_.graph.nodes[index];
    const Conv& conv = convs_.at(index);
    const kernels::HostTensor y = tensor(node.output, place);
    if (op.residual) {
        const kernels::HostTensor residual = tensor(node.inputs[1], place);
        if (residual.data != y.data) kernels::cpu::convert(residual, y);
    }
    const kernels::cpu::Conv& kernel = place.wide ? *conv.kernels.wide : *conv.kernels.narrow[std::size_t(place.lane)];
    const HostBuffer& weights = place.wide || !conv.narrow_weights.data() ? conv.wide_weights : conv.narrow_weights;
    kernel.run(tensor(node.inputs[0], place).data, weights.data(), conv.bias.data(), y.data,
               lanes_[place.lane].scratch.data());
}

void CpuBackend::run_node(int index, const Place& place) {
    const Node& node = plan_.graph.nodes[index];
    if (const auto* conv = std::get_if<ConvOp>(&node.op)) return run_conv(index, *conv, place);
    if (std::holds_alternative<InputOp>(node.op) || std::holds_alternative<YoloOp>(node.op)) return;
    if (const auto* slice = std::get_if<SliceOp>(&node.op)) {
        const kernels::HostTensor y = tensor(node.output, place);
        return kernels::cpu::convert(tensor(node.inputs[0], place).channels(slice->offset, y.c), y);
    }
    if (std::get_if<ConcatOp>(&node.op)) return concat(node, place);
    if (!run_in_bf16(node, place)) run_in_floats(index, place);
}

/// If all that it reads and writes is bf16, and it is frequent.
bool CpuBackend::run_in_bf16(const Node& node, const Place& place) const {
    const auto is_bf16 = [&](TensorId t) { return type_of(t) == kernels::DataType::bf16; };
    if (!is_bf16(node.output) || !std::all_of(node.inputs.begin(), node.inputs.end(), is_bf16)) return false;
    std::vector<kernels::Bf16Tensor> in;
    for (const TensorId t : node.inputs) in.push_back(tensor(t, place).bf16());
    return run_frequent(node, in, tensor(node.output, place).bf16());
}

/// From copies in fp32 of what is bf16.
void CpuBackend::run_in_floats(int index, const Place& place) const {
    const Node& node = plan_.graph.nodes[index];
    std::vector<HostBuffer> copies;
    const auto copy_of = [&](kernels::HostTensor t) {
        copies.emplace_back(t.pixels() * std::size_t(t.c) * sizeof(float));
        t.data = copies.back().data(), t.type = kernels::DataType::fp32, t.pitch = t.c;
        return t;
    };
    const auto is_float = [](const kernels::HostTensor& t) { return t.type == kernels::DataType::fp32; };
    std::vector<kernels::Tensor> in;
    for (const TensorId id : node.inputs) {
        const kernels::HostTensor x = tensor(id, place), wide = is_float(x) ? x : copy_of(x);
        if (!is_float(x)) kernels::cpu::convert(x, wide);
        in.push_back(wide.floats());
    }
    const kernels::HostTensor y = tensor(node.output, place), wide = is_float(y) ? y : copy_of(y);
    run_floats(index, in, wide.floats());
    if (!is_float(y)) kernels::cpu::convert(wide, y);
}

void CpuBackend::run_floats(int index, const std::vector<kernels::Tensor>& in, const kernels::Tensor& out) const {
    namespace k = kernels::cpu;
    const Node& node = plan_.graph.nodes[index];
    if (run_frequent(node, in, out)) return;
    if (std::get_if<BatchNormOp>(&node.op)) {
        const BatchNorm& bn = batchnorms_.at(index);
        k::scale_bias(bn.scale.data(), bn.bias.data(), in[0], out);
    } else if (std::get_if<AvgpoolOp>(&node.op)) {
        k::avgpool(in[0], out);
    } else {
        run_rare(node, in, out);
    }
}

void CpuBackend::run_rare(const Node& node, const std::vector<kernels::Tensor>& in, const kernels::Tensor& out) const {
    namespace k = kernels::cpu;
    if (const auto* pool = std::get_if<LocalAvgpoolOp>(&node.op)) {
        k::local_avgpool(pool->size, pool->stride_y, pool->stride_x, pool->padding, in[0], out);
    } else if (std::get_if<MaxpoolDepthOp>(&node.op)) {
        k::maxpool_depth(in[0], out);
    } else if (const auto* rearrange = std::get_if<RearrangeOp>(&node.op)) {
        k::rearrange(rearrange->how, in[0], out);
    } else if (const auto* multiply = std::get_if<MultiplyOp>(&node.op)) {
        k::multiply(multiply->activation, in[0], in[1], out);
    } else if (std::get_if<BinarizeOp>(&node.op)) {
        k::binarize(in[0], out);
    } else if (const auto* softmax = std::get_if<SoftmaxOp>(&node.op)) {
        k::softmax(softmax->groups, softmax->temperature, in[0], out);
    } else if (const auto* local = std::get_if<LocalOp>(&node.op)) {
        const auto& [weights, bias] = locals_.at(local);
        k::local({local->size, local->stride, local->padding}, weights.data(), bias.data(), in[0], out);
    } else if (const auto* normalize = std::get_if<NormalizeOp>(&node.op)) {
        k::normalize_channels(normalize->kind, in[0], out);
    }
}

void CpuBackend::concat(const Node& node, const Place& place) const {
    const kernels::HostTensor y = tensor(node.output, place);
    int first = 0;
    for (const TensorId t : node.inputs) {
        const kernels::HostTensor x = tensor(t, place), part = y.channels(first, x.c);
        if (x.data != part.data) kernels::cpu::convert(x, part);
        first += x.c;
    }
}

}  // namespace convoy
