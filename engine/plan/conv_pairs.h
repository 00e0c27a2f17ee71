// SPDX-License-Identifier: MIT
//
// Convolutions behind each other that one kernel may compute.
#pragma once

#include <vector>

#include "engine/plan/graph.h"
#include "kernels/conv.h"

namespace convoy {

/// Indices of two nodes.
struct ConvPairNodes {
    int first = 0, second = 0;
    bool operator==(const ConvPairNodes&) const = default;
};

/// Whether one kernel may compute these two, one behind the other.
using MayBePair = bool (*)(const kernels::ConvProblem& first, const kernels::ConvProblem& second);

/// All pairs of plain convolutions that `may_be_pair` (null: none) and between which there is a tensor that nobody else
/// reads. Where the second has a residual, it is what the first reads. A node may belong to two pairs.
std::vector<ConvPairNodes> find_conv_pairs(const Graph& graph, MayBePair may_be_pair);

}  // namespace convoy
