// SPDX-License-Identifier: MIT
#include "engine/cuda/pack_weights.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>

#include "engine/cuda/backend_cuda.h"
#include "engine/plan/fold.h"

#ifndef MADV_POPULATE_READ  // Linux 5.14
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

namespace convoy {
namespace k = kernels::cuda;
namespace {

std::size_t padded_floats(const Plan& plan, const Node& node) {
    return std::size_t(kernels::padded_channels(plan.graph.tensors[node.output].shape.c, kernels::DataType::fp16));
}

// Whole pages of memory that is going to be read or written. Where the system cannot do that, they come one by one.
void take_pages(const void* data, std::size_t size, int how) {
    constexpr std::uintptr_t kPage = 4096, kChunk = std::uintptr_t(4) << 20;
    const auto first = reinterpret_cast<std::uintptr_t>(data) / kPage * kPage;
    const std::uintptr_t end = (reinterpret_cast<std::uintptr_t>(data) + size + kPage - 1) / kPage * kPage;
    const auto chunks = std::int64_t((end - first + kChunk - 1) / kChunk);
#pragma omp parallel for
    for (std::int64_t i = 0; i < chunks; ++i) {
        const std::uintptr_t at = first + std::uintptr_t(i) * kChunk;
        static_cast<void>(::madvise(reinterpret_cast<void*>(at), std::min(kChunk, end - at), how));
    }
}

}  // namespace

// A first round over the nodes finds where everything goes, a second one fills it: memory is touched once.
PackedWeights pack_weights(const Plan& plan, k::Math math, const std::function<void()>& memory_is_there) {
    PackedWeights packed;
    const auto reserve = [&](std::size_t bytes) {
        const std::size_t at = packed.size;
        packed.size += constant_bytes(bytes);
        return at;
    };
    for (std::size_t i = 0; i < plan.graph.nodes.size(); ++i) {
        const Node& node = plan.graph.nodes[i];
        Constants& c = packed.constants[int(i)];
        if (std::holds_alternative<ConvOp>(node.op)) {
            const k::Conv conv = cuda_conv(plan, node, math, 1);
            c.weights = reserve(conv.packed_elements() * kernels::size_of(k::storage(conv.math)));
            c.bias = reserve(std::size_t(conv.packed_k()) * sizeof(float));
        } else if (std::holds_alternative<BatchNormOp>(node.op)) {
            c.scale = reserve(padded_floats(plan, node) * sizeof(float));
            c.bias = reserve(padded_floats(plan, node) * sizeof(float));
        } else if (const auto* local = std::get_if<LocalOp>(&node.op)) {
            c.weights = reserve(local->weights.count * sizeof(float));
            c.bias = reserve(local->bias.count * sizeof(float));
        }
    }
    packed.memory = std::make_unique_for_overwrite<std::byte[]>(packed.size);
    if (memory_is_there) {
        take_pages(packed.memory.get(), packed.size, MADV_POPULATE_WRITE);
        for (const Node& node : plan.graph.nodes)
            if (const auto* op = std::get_if<ConvOp>(&node.op))
                take_pages(op->weights.data, op->weights.count * sizeof(float), MADV_POPULATE_READ);
        memory_is_there();
    }
    const auto put = [&](const std::vector<float>& values, std::size_t at, std::size_t padded) {
        auto* to = reinterpret_cast<float*>(packed.memory.get() + at);
        std::fill(std::copy(values.begin(), values.end(), to), to + padded, 0.f);
    };
    for (std::size_t i = 0; i < plan.graph.nodes.size(); ++i) {
        const Node& node = plan.graph.nodes[i];
        const Constants& c = packed.constants[int(i)];
        if (const auto* op = std::get_if<ConvOp>(&node.op)) {
            const k::Conv conv = cuda_conv(plan, node, math, 1);
            k::pack_weights(conv, op->weights.data, op->scale.empty() ? nullptr : op->scale.data(),
                            packed.memory.get() + c.weights);
            put(op->bias, c.bias, std::size_t(conv.packed_k()));
        } else if (const auto* bn = std::get_if<BatchNormOp>(&node.op)) {
            const FoldedBatchNorm folded = fold(*bn, int(bn->scales.count), plan.batch_norm);
            put(std::vector<float>(folded.scale.begin(), folded.scale.end()), c.scale, padded_floats(plan, node));
            put(folded.bias, c.bias, padded_floats(plan, node));
        } else if (const auto* local = std::get_if<LocalOp>(&node.op)) {
            std::copy(local->weights.begin(), local->weights.end(),
                      reinterpret_cast<float*>(packed.memory.get() + c.weights));
            std::copy(local->bias.begin(), local->bias.end(), reinterpret_cast<float*>(packed.memory.get() + c.bias));
        }
    }
    return packed;
}

}  // namespace convoy
