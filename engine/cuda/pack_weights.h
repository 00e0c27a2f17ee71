// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <map>
#include <vector>

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
    std::vector<std::byte> bytes;
    std::map<int, Constants> constants;  ///< by node
};

PackedWeights pack_weights(const Plan& plan, kernels::cuda::Math math);

}  // namespace convoy
