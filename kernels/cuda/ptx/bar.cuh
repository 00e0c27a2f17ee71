// SPDX-License-Identifier: MIT
//
// The block's numbered barriers, for some of its warps; 0 is that of __syncthreads().
#pragma once

namespace convoy::kernels::cuda {

/// Waits until `threads` threads, of whole warps, have called this or bar_arrive().
__device__ __forceinline__ void bar_sync(int barrier, int threads) {
    asm volatile("bar.sync %0, %1;" ::"r"(barrier), "r"(threads) : "memory");
}

/// Counts if `now`, which is the same for a warp, and goes on: no branch between products.
__device__ __forceinline__ void bar_arrive_if(bool now, int barrier, int threads) {
    asm volatile("{\n\t.reg .pred now;\n\tsetp.ne.b32 now, %2, 0;\n\t@now bar.arrive %0, %1;\n\t}" ::"r"(barrier),
                 "r"(threads), "r"(int(now))
                 : "memory");
}

}  // namespace convoy::kernels::cuda
