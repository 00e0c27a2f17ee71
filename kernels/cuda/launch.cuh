// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>

#include <type_traits>

#include "kernels/cuda/check.h"
#include "kernels/types.h"

namespace convoy::kernels::cuda {

/// Lets the kernel have as much dynamic shared memory as it may ask for. A multiprocessor splits its memory between
/// that and the cache as suits the kernel that comes first, and others find no room beside it before it is idle again:
/// so all of it.
template <typename... Args>
void allow_shared(void (*kernel)(Args...), int bytes, const char* name) {
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes), name);
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributePreferredSharedMemoryCarveout, cudaSharedmemCarveoutMaxShared),
          name);
}

/// Launches so that the kernel may start before its predecessor in the stream has ended (compute capability 9.0).
/// In every block the threads that touch memory, even those with nothing to store, therefore call
/// griddepcontrol_wait() before they read what a predecessor wrote and before they write anything at all.
template <typename... Args>
void launch_dependent(void (*kernel)(Args...), dim3 grid, dim3 block, std::size_t shared, Stream stream, dim3 cluster,
                      const std::type_identity_t<Args>&... args) {
    cudaFuncAttributes compiled;
    check(cudaFuncGetAttributes(&compiled, kernel), "cudaFuncGetAttributes");

    cudaLaunchAttribute attributes[2] = {};
    cudaLaunchConfig_t config = {};
    config.gridDim = grid, config.blockDim = block, config.dynamicSmemBytes = shared, config.stream = stream;
    config.attrs = attributes;
    // A GPU of 9.0 may run older PTX, in which griddepcontrol_wait() is nothing.
    if (compiled.ptxVersion >= 90) {
        attributes[config.numAttrs].id = cudaLaunchAttributeProgrammaticStreamSerialization;
        attributes[config.numAttrs++].val.programmaticStreamSerializationAllowed = 1;
    }
    if (cluster.x * cluster.y * cluster.z > 1) {
        attributes[config.numAttrs].id = cudaLaunchAttributeClusterDimension;
        attributes[config.numAttrs++].val.clusterDim = {cluster.x, cluster.y, cluster.z};
    }
    check(cudaLaunchKernelEx(&config, kernel, args...), "cudaLaunchKernelEx");
}

}  // namespace convoy::kernels::cuda
