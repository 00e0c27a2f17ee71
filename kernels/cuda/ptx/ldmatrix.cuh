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

/// The same matrices turned: a lane gets, of every matrix, rows 2 (l % 4) and 2 (l % 4) + 1 at column l / 4.
__device__ __forceinline__ void ldmatrix_x4_trans(std::uint32_t (&d)[4], std::uint32_t shared) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
                 : "r"(shared)
                 : "memory");
}

/// Writes what ldmatrix_x4_trans() reads. Compute capability 9.0 and later.
__device__ __forceinline__ void stmatrix_x4_trans(std::uint32_t shared, const std::uint32_t (&d)[4]) {
    asm volatile("stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(shared), "r"(d[0]),
                 "r"(d[1]), "r"(d[2]), "r"(d[3])
                 : "memory");
}

/// Writes what ldmatrix_x4() reads. Compute capability 9.0 and later.
__device__ __forceinline__ void stmatrix_x4(std::uint32_t shared, const std::uint32_t (&d)[4]) {
    asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(shared), "r"(d[0]), "r"(d[1]),
                 "r"(d[2]), "r"(d[3])
                 : "memory");
}

/// Of stmatrix_x4_trans()'s, writes the first two; lanes 16 to 31 give no address.
__device__ __forceinline__ void stmatrix_x2_trans(std::uint32_t shared, const std::uint32_t (&d)[4]) {
    asm volatile("stmatrix.sync.aligned.m8n8.x2.trans.shared.b16 [%0], {%1, %2};" ::"r"(shared), "r"(d[0]), "r"(d[1])
                 : "memory");
}

}  // namespace convoy::kernels::cuda
