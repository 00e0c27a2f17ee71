// SPDX-License-Identifier: MIT
//
// What each layer of a bound plan costs, and what the card could do.
#include <algorithm>

#include "engine/cuda/backend_cuda.h"

namespace convoy {
namespace {

constexpr int kSamples = 9;
constexpr std::size_t kCopyBytes = std::size_t(1) << 30;

double median(std::vector<float> values) {
    std::sort(values.begin(), values.end());
    return double(values[values.size() / 2]);
}

// Every tensor that the node reads or writes once, and a convolution's weights.
double bytes_of(const Plan& plan, const Node& node, double element, int batch) {
    double elements = 0;
    for (TensorId t : node.inputs) elements += double(plan.graph.tensors[t].shape.elements()) * batch;
    if (node.output != kNoTensor) elements += double(plan.graph.tensors[node.output].shape.elements()) * batch;
    if (const auto* conv = std::get_if<ConvOp>(&node.op)) elements += double(conv->weights.count);
    return elements * element;
}

double copy_rate(ColdTimer& timer, std::size_t free_bytes) {
    const std::size_t bytes = std::min(kCopyBytes, free_bytes / 4);
    const DeviceBuffer from(bytes, "copy"), to(bytes, "copy");
    return 2.0 * double(bytes) /
           median(timer.run(
               kSamples,
               [&](cudaStream_t stream) {
                   cuda_check(cudaMemcpyAsync(to.data(), from.data(), bytes, cudaMemcpyDeviceToDevice, stream), "copy");
               })) *
           1e6;
}

}  // namespace

double CudaBackend::network_us(int count) {
    const DeviceScope scope(device_.ordinal);
    const DeviceBuffer slot(plan_.memory.slot_bytes, "slot");
    cuda_check(cudaMemset(slot.data(), 0, slot.bytes()), "memset");
    return time_network(slot.data(), batch_for(count));
}

PlanTiming CudaBackend::profile(int count) {
    const DeviceScope scope(device_.ordinal);
    const int batch = batch_for(count);
    const DeviceBuffer slot(plan_.memory.slot_bytes, "slot");
    cuda_check(cudaMemset(slot.data(), 0, slot.bytes()), "memset");
    ColdTimer timer(device_.caps.l2_bytes, compute_stream());
    PlanTiming out;
    for (std::size_t i = 0; i < plan_.graph.nodes.size(); ++i) {
        const Node& node = plan_.graph.nodes[i];
        if (node.output == kNoTensor || std::holds_alternative<InputOp>(node.op)) continue;
        LayerTiming t;
        t.layer = node.layer;
        t.op = node.name();
        t.kernel = node.name();
        if (std::holds_alternative<ConvOp>(node.op)) {
            const Bound& bound = bound_to(int(i), batch);
            t.kernel = bound.choice.row;
            t.flops = bound.conv.problem.flops();
        }
        t.bytes = bytes_of(plan_, node, double(kernels::size_of(kernels::cuda::storage(math_of(precision_)))), batch);
        t.us =
            median(timer.run(kSamples, [&](cudaStream_t stream) { enqueue_node(int(i), slot.data(), batch, stream); }));
        out.layers.push_back(std::move(t));
    }
    out.network_us = time_network(slot.data(), batch);
    std::size_t free = 0, total = 0;
    cuda_check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
    out.peak_bytes = copy_rate(timer, free);
    out.peak_flops = peak_flops();
    return out;
}

}  // namespace convoy
