// SPDX-License-Identifier: MIT
#pragma once

#include "engine/plan/graph.h"

namespace convoy {

/// Network to Graph, one step at a time: a convolutional layer becomes conv, batchnorm and activation nodes, a route
/// with groups a slice per input and a concat. Routes of one whole layer and dropouts leave no node. The graph's weight
/// views point into the network's mapped file.
Graph lower(const Network& network);
Graph lower(Network&& network) = delete;

}  // namespace convoy
