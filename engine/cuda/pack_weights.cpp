// SPDX-License-Identifier: MIT
#include "engine/cuda/pack_weights.h"

#include <algorithm>

#include "engine/cuda/backend_cuda.h"
#include "engine/plan/fold.h"

namespace convoy {
namespace k = kernels::cuda;

PackedWeights pack_weights(const Plan& plan, k::Math math) {
    PackedWeights packed;
    std::vector<std::byte>& host = packed.bytes;
    const auto reserve = [&](std::size_t bytes) {
        const std::size_t at = host.size();
        host.resize(at + constant_bytes(bytes));
        return at;
    };
    const auto put = [&](const std::vector<float>& values, std::size_t padded) {
        const std::size_t at = reserve(padded * sizeof(float));
        std::copy(values.begin(), values.end(), reinterpret_cast<float*>(host.data() + at));
        return at;
    };
    for (std::size_t i = 0; i < plan.graph.nodes.size(); ++i) {
        const Node& node = plan.graph.nodes[i];
        Constants& c = packed.constants[int(i)];
        if (const auto* op = std::get_if<ConvOp>(&node.op)) {
            const k::Conv conv = cuda_conv(plan, node, math, 1);
            c.weights = reserve(conv.packed_elements() * kernels::size_of(k::storage(conv.math)));
            k::pack_weights(conv, op->weights.data, op->scale.empty() ? nullptr : op->scale.data(),
                            host.data() + c.weights);
            c.bias = put(op->bias, std::size_t(conv.packed_k()));
        } else if (const auto* bn = std::get_if<BatchNormOp>(&node.op)) {
            const int channels = plan.graph.tensors[node.output].shape.c;
            const FoldedBatchNorm folded = fold(*bn, int(bn->scales.count), plan.batch_norm);
            const auto padded = std::size_t(kernels::padded_channels(channels, kernels::DataType::fp16));
            c.scale = put(std::vector<float>(folded.scale.begin(), folded.scale.end()), padded);
            c.bias = put(folded.bias, padded);
        }
    }
    return packed;
}

}  // namespace convoy
