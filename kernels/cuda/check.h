// SPDX-License-Identifier: MIT
//
// CUDA's status codes as exceptions, for launchers.
#pragma once

#include <cuda_runtime_api.h>

#include <stdexcept>
#include <string>

namespace convoy::kernels::cuda {

inline void check(cudaError_t status, const char* what) {
    if (status == cudaSuccess) return;
    static_cast<void>(cudaGetLastError());  // or the next launch would be blamed
    throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(status));
}

/// Right after a <<<>>> launch: refusals show up nowhere else.
inline void check_launch(const char* kernel) { check(cudaGetLastError(), kernel); }

}  // namespace convoy::kernels::cuda
