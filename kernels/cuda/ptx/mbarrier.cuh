// SPDX-License-Identifier: MIT
//
// Barriers in shared memory that count arrivals and bytes of bulk copies: compute capability 9.0 and later. A barrier
// is named by its address in the shared window.
#pragma once

#include <cstdint>

namespace convoy::kernels::cuda {

/// One thread, before anybody else touches it; fence_mbarrier_init() and a barrier of the block or cluster follow.
__device__ __forceinline__ void mbarrier_init(std::uint32_t barrier, int arrivals) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}

__device__ __forceinline__ void fence_mbarrier_init() {
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}

/// All threads of a block of `WARPS`: begin(0) … begin(n - 1), which call mbarrier_init(). That takes some 60 clocks
/// each time, and the threads of a warp take turns, so that every warp has its share. The warp's number comes from a
/// shuffle: nvcc then sees that addresses are alike for all threads of it, here and in whatever stands behind the loop.
template <int WARPS, typename Begin>
__device__ __forceinline__ void mbarriers_init(int n, Begin begin) {
    const int warp = __shfl_sync(~0u, int(threadIdx.x / 32), 0);
    if (threadIdx.x % 32 == 0) {
#pragma unroll 1
        for (int barrier = warp; barrier < n; barrier += WARPS) begin(barrier);
        fence_mbarrier_init();
    }
    __syncthreads();
}

__device__ __forceinline__ void mbarrier_arrive(std::uint32_t barrier) {
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}

/// A whole warp, of which one thread arrives if `now`, without a branch: cheaper to choose anew than to remember.
__device__ __forceinline__ void mbarrier_arrive_of_warp(std::uint32_t barrier, bool now) {
    asm volatile(
        "{\n\t.reg .pred one, now;\n\telect.sync _|one, 0xffffffff;\n\tsetp.ne.and.b32 now, %1, 0, one;\n\t"
        "@now mbarrier.arrive.shared::cta.b64 _, [%0];\n\t}" ::"r"(barrier),
        "r"(int(now))
        : "memory");
}

/// Arrives, and the phase does not end before `bytes` more have been copied.
__device__ __forceinline__ void mbarrier_arrive_expect_tx(std::uint32_t barrier, int bytes) {
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes) : "memory");
}

/// Returns when the phase of this parity has ended; that of parity 1 counts as ended at the beginning.
__device__ __forceinline__ void mbarrier_wait(std::uint32_t barrier, int parity) {
    asm volatile(
        "{\n\t.reg .pred done;\n\tAGAIN:\n\t"
        "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n\t"
        "@!done bra AGAIN;\n\t}" ::"r"(barrier),
        "r"(parity)
        : "memory");
}

/// The same for what other blocks of the cluster have written.
__device__ __forceinline__ void mbarrier_wait_cluster(std::uint32_t barrier, int parity) {
    asm volatile(
        "{\n\t.reg .pred done;\n\tAGAIN:\n\t"
        "mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 done, [%0], %1;\n\t"
        "@!done bra AGAIN;\n\t}" ::"r"(barrier),
        "r"(parity)
        : "memory");
}

}  // namespace convoy::kernels::cuda
