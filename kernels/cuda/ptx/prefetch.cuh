// SPDX-License-Identifier: MIT
#pragma once

namespace convoy::kernels::cuda {

/// Brings the line of `at` into L2 and waits for nothing.
__device__ __forceinline__ void prefetch_global_l2(const void* at) {
    asm volatile("prefetch.global.L2 [%0];" ::"l"(at));
}

}  // namespace convoy::kernels::cuda
