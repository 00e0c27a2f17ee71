// SPDX-License-Identifier: MIT
//
// Copies of whole boxes of a tensor between global and shared memory by the copy engine, each enqueued by one thread:
// compute capability 9.0 and later. What lies outside the tensor is read as zero and not written.
#pragma once

#include <cuda.h>

#include <cstdint>

namespace convoy::kernels::cuda {

__device__ __forceinline__ void prefetch_tensormap(const CUtensorMap& map) {
    asm volatile("prefetch.tensormap [%0];" ::"l"(&map) : "memory");
}

/// Box at (x, y); mbarrier `full` counts its bytes.
__device__ __forceinline__ void tma_load(std::uint32_t to_shared, const CUtensorMap& map, int x, int y,
                                         std::uint32_t full) {
    asm volatile(
        "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" ::"r"(
            to_shared),
        "l"(&map), "r"(x), "r"(y), "r"(full)
        : "memory");
}

/// Box at (x, y, z, w).
__device__ __forceinline__ void tma_load(std::uint32_t to_shared, const CUtensorMap& map, int x, int y, int z, int w,
                                         std::uint32_t full) {
    asm volatile(
        "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes "
        "[%0], [%1, {%2, %3, %4, %5}], [%6];" ::"r"(to_shared),
        "l"(&map), "r"(x), "r"(y), "r"(z), "r"(w), "r"(full)
        : "memory");
}

/// How L2 is to treat what will not be read again: it goes first.
__device__ __forceinline__ std::uint64_t l2_evict_first() {
    std::uint64_t policy;
    asm("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
    return policy;
}

/// Box at (x, y), treated so by L2.
__device__ __forceinline__ void tma_load_hinted(std::uint32_t to_shared, const CUtensorMap& map, int x, int y,
                                                std::uint32_t full, std::uint64_t policy) {
    asm volatile(
        "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint "
        "[%0], [%1, {%2, %3}], [%4], %5;" ::"r"(to_shared),
        "l"(&map), "r"(x), "r"(y), "r"(full), "l"(policy)
        : "memory");
}

/// Box at (x, y, z, w), treated so by L2.
__device__ __forceinline__ void tma_load_hinted(std::uint32_t to_shared, const CUtensorMap& map, int x, int y, int z,
                                                int w, std::uint32_t full, std::uint64_t policy) {
    asm volatile(
        "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint "
        "[%0], [%1, {%2, %3, %4, %5}], [%6], %7;" ::"r"(to_shared),
        "l"(&map), "r"(x), "r"(y), "r"(z), "r"(w), "r"(full), "l"(policy)
        : "memory");
}

/// Where an im2col copy begins: channel, column, row, picture of its first pixel's first tap, and the tap.
struct Im2colStart {
    int c, w, h, n;
    std::uint16_t tap_w, tap_h;
};

__device__ __forceinline__ void tma_load_im2col(std::uint32_t to_shared, const CUtensorMap& map, const Im2colStart& at,
                                                std::uint32_t full) {
    asm volatile(
        "cp.async.bulk.tensor.4d.shared::cluster.global.im2col.mbarrier::complete_tx::bytes "
        "[%0], [%1, {%2, %3, %4, %5}], [%6], {%7, %8};" ::"r"(to_shared),
        "l"(&map), "r"(at.c), "r"(at.w), "r"(at.h), "r"(at.n), "r"(full), "h"(at.tap_w), "h"(at.tap_h)
        : "memory");
}

/// Box at (x, y) to global memory, as a part of this thread's current group of stores. What wrote it called
/// fence_proxy_async() before the barrier that this thread waited at.
__device__ __forceinline__ void tma_store(const CUtensorMap& map, int x, int y, std::uint32_t from_shared) {
    asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%0, {%1, %2}], [%3];" ::"l"(&map), "r"(x),
                 "r"(y), "r"(from_shared)
                 : "memory");
}

__device__ __forceinline__ void tma_store(const CUtensorMap& map, int x, int y, int z, int w,
                                          std::uint32_t from_shared) {
    asm volatile("cp.async.bulk.tensor.4d.global.shared::cta.bulk_group [%0, {%1, %2, %3, %4}], [%5];" ::"l"(&map),
                 "r"(x), "r"(y), "r"(z), "r"(w), "r"(from_shared)
                 : "memory");
}

__device__ __forceinline__ void tma_store_commit() { asm volatile("cp.async.bulk.commit_group;" ::: "memory"); }

/// Returns when all of this thread's groups have read what they store: then the block may end. They are in global
/// memory when the kernel has ended, which griddepcontrol_wait() waits for.
__device__ __forceinline__ void tma_store_wait_read() { asm volatile("cp.async.bulk.wait_group.read 0;" ::: "memory"); }

/// This thread's accesses to shared memory come before those of the copy engine and of wgmma that follow.
__device__ __forceinline__ void fence_proxy_async() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

}  // namespace convoy::kernels::cuda
