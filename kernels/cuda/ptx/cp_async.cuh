// SPDX-License-Identifier: MIT
//
// Copies of 16 bytes from global to shared memory. Nothing happens unless `issue`; where not `inside`, zeros are
// written and nothing is read. Predicates, not branches, so that other instructions can move between the copies.
// Compute capability 8.0 and later: before it nothing is ever copied so, and no group waited for.
#pragma once

#include <cstdint>

namespace convoy::kernels::cuda {

/// Past L1.
__device__ __forceinline__ void cp_async_cg(std::uint32_t to_shared, const void* from, bool inside, bool issue) {
#if __CUDA_ARCH__ >= 800
    asm volatile(
        "{\n\t.reg .pred issue;\n\tsetp.ne.b32 issue, %3, 0;\n\t"
        "@issue cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;\n\t}" ::"r"(to_shared),
        "l"(from), "r"(inside ? 16 : 0), "r"(int(issue))
        : "memory");
#endif
}

__device__ __forceinline__ void cp_async_commit_group() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

/// Waits until at most `PENDING` of this thread's groups are under way.
template <int PENDING>
__device__ __forceinline__ void cp_async_wait_group() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" ::"n"(PENDING) : "memory");
#endif
}

}  // namespace convoy::kernels::cuda
