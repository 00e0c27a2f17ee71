// SPDX-License-Identifier: MIT
//
// What a CudaBackend holds on its device.
#pragma once

#include <map>

#include "engine/cuda/backend_cuda.h"

namespace convoy {

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
