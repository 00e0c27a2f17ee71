// SPDX-License-Identifier: MIT
//
// A plan in the terms of kernels/cuda/: what can be said of it without a device in hand.
#include "engine/cuda/backend_resources.h"
#include "engine/cuda/slot_cuda.h"
#include "kernels/conv_pair.h"

namespace convoy {
namespace k = kernels::cuda;

k::Math math_of(Precision precision) {
    return precision == Precision::fp16 ? k::Math::fp16 : precision == Precision::tf32 ? k::Math::tf32 : k::Math::fp32;
}

BackendTraits cuda_traits(Precision precision) {
    const kernels::DataType type = k::storage(math_of(precision));
    return {.conv_takes_pitch = true,
            .conv_upsamples = true,
            .may_be_pair = precision == Precision::fp16 ? k::may_be_pair : nullptr,
            .side_branches = true,
            .channel_alignment = kernels::vector_lanes(type),
            .element_bytes = kernels::size_of(type)};
}

Precision cuda_precision(Precision asked, int device) {
    constexpr int kFirstTensorCores = 70;
    if (asked != Precision::automatic) return asked;
    return device_info(device).caps.compute_capability >= kFirstTensorCores ? Precision::fp16 : Precision::fp32;
}

k::Conv cuda_conv(const Plan& plan, const Node& node, k::Math math, int n) {
    const auto& op = std::get<ConvOp>(node.op);
    const auto pitch = [&](TensorId t) {
        return plan.memory.pitch[std::size_t(plan.memory.places[std::size_t(t)].root)];
    };
    k::Conv conv;
    conv.problem = conv_problem(op, plan.graph.tensors[node.inputs[0]].shape, n);
    conv.math = math;
    conv.x_pitch = pitch(node.inputs[0]);
    conv.y_pitch = pitch(node.output);
    conv.residual_pitch = op.residual ? pitch(node.inputs[1]) : 0;
    conv.upsample = op.upsample;
    return conv;
}

k::ConvPair cuda_pair(const Plan& plan, ConvPairNodes nodes, k::Math math, int n) {
    const auto conv = [&](int node) { return cuda_conv(plan, plan.graph.nodes[std::size_t(node)], math, n); };
    k::ConvPair pair{conv(nodes.first), conv(nodes.second)};
    pair.residual_is_x = pair.second.problem.residual;  // find_conv_pairs() takes no other
    return pair;
}

std::size_t cuda_timer_bytes(int gpu) { return Autotuner::device_bytes(device_info(gpu)); }

DeviceMemory cuda_memory(const Plan& plan, Precision precision, int slots) {
    DeviceMemory out;
    const k::Math math = math_of(precision);
    for (int index : nodes_of<ConvOp>(plan.graph)) {
        const Node& node = plan.graph.nodes[std::size_t(index)];
        const k::Conv conv = cuda_conv(plan, node, math, 1);
        out.weights += constant_bytes(conv.packed_elements() * kernels::size_of(k::storage(math))) +
                       constant_bytes(std::size_t(conv.packed_k()) * sizeof(float));
        out.tuning = std::max(out.tuning, ConvCheck::device_bytes(cuda_conv(plan, node, math, plan.max_batch)));
    }
    for (const ConvPairNodes& nodes : plan.pairs) {
        const k::ConvPair pair = cuda_pair(plan, nodes, math, checked_batch(plan.max_batch));
        out.tuning = std::max(out.tuning, ConvCheck::device_bytes(pair.first) + ConvCheck::device_bytes(pair.second));
    }
    for (int index : nodes_of<LocalOp>(plan.graph)) {
        const auto& local = std::get<LocalOp>(plan.graph.nodes[std::size_t(index)].op);
        out.weights +=
            constant_bytes(local.weights.count * sizeof(float)) + constant_bytes(local.bias.count * sizeof(float));
    }
    out.arena = plan.memory.arena_bytes;
    out.slots = std::size_t(slots) * (plan.memory.slot_bytes + k::candidate_bytes(CudaSlot::kCapacity, plan.max_batch));
    return out;
}

}  // namespace convoy
