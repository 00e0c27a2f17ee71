// SPDX-License-Identifier: MIT
//
// Parts of a network that nobody behind them waits for.
#pragma once

#include <vector>

#include "engine/plan/graph.h"

namespace convoy {

/// Nodes one behind the other, by their indices.
struct NodeRange {
    int first = 0, last = 0;
    bool operator==(const NodeRange&) const = default;
};

/// For every head but the last nodes: the convolutions and whatever else leads to it alone, as far back as they stand
/// directly before it, and the head. What they compute is read by themselves only, so that all that comes behind them
/// may be computed at the same time. In order, and apart from each other.
std::vector<NodeRange> find_side_branches(const Graph& graph);

}  // namespace convoy
