// SPDX-License-Identifier: MIT
//
// The block's numbered barriers, for some of its warps; 0 is that of __syncthreads().
#pragma once

namespace convoy::kernels::cuda {

/// Waits until `threads` threads, of whole warps, have called this or bar_arrive().
__device__ __forceinline__ void bar_sync(int barrier, int threads) {
    asm volatile("bar.sync %0, %1;" ::"r"(barrier), "r"(threads) : "memory");
}

/// Counts, and goes on.
__device__ __forceinline__ void bar_arrive(int barrier, int threads) {
    asm volatile("bar.arrive %0, %1;" ::"r"(barrier), "r"(threads) : "memory");
}

}  // namespace convoy::kernels::cuda
