// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>

#include "engine/plan/compile.h"
#include "kernels/conv.h"

namespace convoy {

/// What a constant takes in the weights buffer: each starts at a multiple of 256 bytes.
constexpr std::size_t constant_bytes(std::size_t bytes) { return (bytes + 255) / 256 * 256; }

/// Where a node's constants lie in the weights buffer.
struct Constants {
    std::size_t weights = 0, bias = 0, scale = 0;
};

/// All constants of a plan as every GPU wants them.
struct PackedWeights {
    std::unique_ptr<std::byte[]> memory;
    std::size_t size = 0;
    std::span<const std::byte> bytes() const { return {memory.get(), size}; }
    std::map<int, Constants> constants;  ///< by node
};

/// See cuda_pack().
struct PackedPlan {
    Plan plan;
    Precision precision;
    PackedWeights weights;
};

/// `memory_is_there`: see cuda_pack().
PackedWeights pack_weights(const Plan& plan, kernels::cuda::Math math,
                           const std::function<void()>& memory_is_there = {});

}  // namespace convoy
