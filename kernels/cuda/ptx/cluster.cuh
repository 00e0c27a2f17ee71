// SPDX-License-Identifier: MIT
//
// Thread-block clusters and their shared memory: compute capability 9.0 and later, never called before.
#pragma once

#include <cstdint>

namespace convoy::kernels::cuda {

// The barrier of every thread of every block of the cluster, in two halves.

/// What this thread has written is visible to those that wait, and so first waits for all its loads and stores.
__device__ __forceinline__ void barrier_cluster_arrive() {
#if __CUDA_ARCH__ >= 900
    asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
#endif
}

/// Says only that this thread has come this far.
__device__ __forceinline__ void barrier_cluster_arrive_relaxed() {
#if __CUDA_ARCH__ >= 900
    asm volatile("barrier.cluster.arrive.relaxed.aligned;" ::: "memory");
#endif
}

__device__ __forceinline__ void barrier_cluster_wait() {
#if __CUDA_ARCH__ >= 900
    asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
#endif
}

/// Both halves: what was written to shared memory before is visible after.
__device__ __forceinline__ void barrier_cluster() {
    barrier_cluster_arrive();
    barrier_cluster_wait();
}

/// The address, in block `rank`, of what lies at `shared` in this block.
__device__ __forceinline__ std::uint32_t mapa(std::uint32_t shared, int rank) {
    std::uint32_t address = 0;
#if __CUDA_ARCH__ >= 900
    asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(address) : "r"(shared), "r"(rank));
#endif
    return address;
}

__device__ __forceinline__ float4 ld_shared_cluster_v4_f32(std::uint32_t address) {
    float4 v{};
#if __CUDA_ARCH__ >= 900
    asm volatile("ld.shared::cluster.v4.f32 {%0, %1, %2, %3}, [%4];"
                 : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w)
                 : "r"(address)
                 : "memory");
#endif
    return v;
}

/// 16 bytes into another block's shared memory, where they are counted by `barrier`, a barrier of that block. Nobody
/// waits here; the block that they go to must have started, and wait for them.
__device__ __forceinline__ void st_async_shared_cluster(std::uint32_t address, float x, float y, float z, float w,
                                                        std::uint32_t barrier) {
#if __CUDA_ARCH__ >= 900
    asm volatile(
        "st.async.shared::cluster.mbarrier::complete_tx::bytes.v4.f32 [%0], {%1, %2, %3, %4}, [%5];" ::"r"(address),
        "f"(x), "f"(y), "f"(z), "f"(w), "r"(barrier)
        : "memory");
#endif
}

}  // namespace convoy::kernels::cuda
