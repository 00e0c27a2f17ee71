// SPDX-License-Identifier: MIT
//
// What a CudaBackend holds on its device.
#pragma once

#include <map>

#include "engine/cuda/backend_cuda.h"

namespace convoy {

/// What a constant takes in the weights buffer: each starts at a multiple of 256 bytes.
constexpr std::size_t constant_bytes(std::size_t bytes) { return (bytes + 255) / 256 * 256; }

/// Indices of the nodes that are a T.
template <typename T>
std::vector<int> nodes_of(const Graph& graph) {
    std::vector<int> indices;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i)
        if (std::holds_alternative<T>(graph.nodes[i].op)) indices.push_back(int(i));
    return indices;
}

/// Where a node's constants lie in the weights buffer.
struct Constants {
    std::size_t weights = 0, bias = 0, scale = 0;
};

// Destroyed from the last to the first: what was captured or prepared goes before the libraries that it came from.
struct CudaBackend::Resources {
    CudaStream compute;
    CudaEvent epoch;  // the trace's zero
    std::unique_ptr<kernels::cuda::ConvLibraries> libraries;
    DeviceBuffer weights, arena, workspace;
    UploadRing ring;
    std::map<int, Constants> constants;                   // by node
    std::vector<Bound> kernels;                           // one for each distinct Conv
    std::map<std::pair<int, int>, std::size_t> launches;  // by node and batch size, an index into kernels
};

}  // namespace convoy
