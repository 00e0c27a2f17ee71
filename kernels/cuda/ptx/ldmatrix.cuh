// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace convoy::kernels::cuda {

/// Four 8x8 matrices of 2-byte elements. Lane l gives the address of row l % 8 of matrix l / 8 and gets, of every
/// matrix, the 4 bytes at row l / 4, bytes 4 (l % 4). Rows of four floats move just as well.
__device__ __forceinline__ void ldmatrix_x4(std::uint32_t& d0, std::uint32_t& d1, std::uint32_t& d2, std::uint32_t& d3,
                                            std::uint32_t shared) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(d0), "=r"(d1), "=r"(d2), "=r"(d3)
                 : "r"(shared)
                 : "memory");
}

}  // namespace convoy::kernels::cuda
