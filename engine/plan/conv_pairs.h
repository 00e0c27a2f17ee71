// SPDX-License-Identifier: MIT
//
// Convolutions behind each other that one kernel may compute.
#pragma once

#include <vector>

#include "engine/plan/graph.h"

namespace convoy {

/// Indices of two nodes.
struct ConvPairNodes {
    int first = 0, second = 0;
    bool operator==(const ConvPairNodes&) const = default;
};

/// All pairs of plain convolutions between which there is a tensor of at most `most_between` channels that nobody else
/// reads. Where the second has a residual, it is what the first reads. A node may belong to two pairs.
std::vector<ConvPairNodes> find_conv_pairs(const Graph& graph, int most_between);

}  // namespace convoy
