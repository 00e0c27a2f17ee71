// SPDX-License-Identifier: MIT
//
// What a CudaBackend holds on its device.
#pragma once

#include <map>

#include "engine/cuda/backend_cuda.h"

namespace convoy {

/// Indices of the nodes that are a T.
template <typename T>
std::vector<int> nodes_of(const Graph& graph) {
    std::vector<int> indices;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i)
        if (std::holds_alternative<T>(graph.nodes[i].op)) indices.push_back(int(i));
    return indices;
}

// Destroyed from the last to the first: what was captured or prepared goes before the libraries that it came from.
struct CudaBackend::Resources {
    CudaStream compute, beside;       // beside: side branches
    CudaEvent forked, joined;         // where they begin, and are done
    std::unique_ptr<GpuClock> clock;  // where there is a trace
    std::unique_ptr<kernels::cuda::ConvLibraries> libraries;
    DeviceBuffer weights, arena, workspace;
    std::map<int, Constants> constants;                   // by node
    std::vector<Bound> kernels;                           // one for each distinct Conv
    std::map<std::pair<int, int>, std::size_t> launches;  // by node and batch size, an index into kernels
    std::vector<UntriedPair> untried;                     // until refine_pairs()
    std::map<std::pair<int, int>, BoundPair> pairs;       // by the second node and batch size
    std::map<std::pair<int, int>, int> inside;            // of a first node and batch size: the second
};

}  // namespace convoy
