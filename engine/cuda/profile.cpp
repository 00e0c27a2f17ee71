// SPDX-License-Identifier: MIT
//
// What each layer of a bound plan costs, and what the card could do.
#include <algorithm>

#include "engine/cuda/backend_cuda.h"

namespace convoy {
namespace k = kernels::cuda;
namespace {

constexpr int kSamples = 9, kWholeSamples = 30, kWarmup = 5;
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

// What it reads and writes of the two, weights included.
double bytes_of(const k::ConvPair& pair) {
    const kernels::ConvProblem &first = pair.first.problem, &second = pair.second.problem;
    const double elements = double(first.n) * first.h * first.w * first.c + double(first.weight_count()) +
                            double(second.n) * second.p() * second.q() * second.k + double(second.weight_count());
    return elements * double(kernels::size_of(k::storage(pair.first.math)));
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

std::vector<double> CudaBackend::network_us(int count, int runs) {
    const DeviceScope scope(device_.ordinal);
    const DeviceBuffer slot = noisy_slot();
    const cudaStream_t stream = compute_stream();
    const CudaGraph graph = capture(stream, [&](cudaStream_t s) { enqueue(slot.data(), batch_for(count), s); });
    const CudaEvent start = make_event(true), stop = make_event(true);
    std::vector<double> us;
    for (int i = -kWarmup; i < runs; ++i) {
        cuda_check(cudaEventRecord(start.get(), stream), "cudaEventRecord");
        cuda_check(cudaGraphLaunch(graph.get(), stream), "cudaGraphLaunch");
        cuda_check(cudaEventRecord(stop.get(), stream), "cudaEventRecord");
        wait_for(*patience_, stop.get(), "the network", Patience::Manner::spin);
        float ms = 0;
        cuda_check(cudaEventElapsedTime(&ms, start.get(), stop.get()), "cudaEventElapsedTime");
        if (i >= 0) us.push_back(double(ms) * 1e3);
    }
    return us;
}

PlanTiming CudaBackend::profile(int count) {
    const DeviceScope scope(device_.ordinal);
    const int batch = batch_for(count);
    const DeviceBuffer slot = noisy_slot();
    ColdTimer timer(device_.caps.l2_bytes, compute_stream(), *patience_);
    PlanTiming out;
    for (std::size_t i = 0; i < plan_.graph.nodes.size(); ++i) {
        const Node& node = plan_.graph.nodes[i];
        if (node.output == kNoTensor || std::holds_alternative<InputOp>(node.op) || pair_from(int(i), batch)) continue;
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
        const BoundPair* pair = pair_to(int(i), batch);
        if (pair) {
            t.op = "conv+conv";
            t.kernel = pair->row;
            t.flops = pair->pair.first.problem.flops() + pair->pair.second.problem.flops();
            t.bytes = bytes_of(pair->pair);
        }
        t.us = median(timer.run(kSamples, [&](cudaStream_t stream) {
            if (pair)
                enqueue_pair(int(i), slot.data(), batch, stream, false);
            else
                enqueue_node(int(i), slot.data(), batch, stream);
        }));
        out.layers.push_back(std::move(t));
    }
    std::vector<double> whole = network_us(count, kWholeSamples);
    std::nth_element(whole.begin(), whole.begin() + kWholeSamples / 2, whole.end());
    out.network_us = whole[kWholeSamples / 2];
    std::size_t free = 0, total = 0;
    cuda_check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
    out.peak_bytes = copy_rate(timer, free);
    out.peak_flops = peak_flops();
    return out;
}

}  // namespace convoy
