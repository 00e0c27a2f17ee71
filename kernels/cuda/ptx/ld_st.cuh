// SPDX-License-Identifier: MIT
//
// 16 bytes between global memory and registers, and from there to shared memory and back; 8 bytes and single floats of
// shared memory.
#pragma once

#include <cstdint>

namespace convoy::kernels::cuda {

/// Zeros, and nothing is read, where not `inside`. A predicate, not a branch, so that other instructions can move
/// between the loads; and they begin where they stand, not where their registers are first used.
__device__ __forceinline__ uint4 ld_global_v4(const void* from, bool inside) {
    uint4 v;
    asm volatile(
        "{\n\t.reg .pred inside;\n\tsetp.ne.b32 inside, %5, 0;\n\t"
        "mov.b32 %0, 0;\n\tmov.b32 %1, 0;\n\tmov.b32 %2, 0;\n\tmov.b32 %3, 0;\n\t"
        "@inside ld.global.v4.u32 {%0, %1, %2, %3}, [%4];\n\t}"
        : "=&r"(v.x), "=&r"(v.y), "=&r"(v.z), "=&r"(v.w)
        : "l"(from), "r"(int(inside))
        : "memory");
    return v;
}

/// Nothing is written where not `inside`, without a branch either.
__device__ __forceinline__ void st_global_v4(void* to, const uint4& v, bool inside) {
    asm volatile(
        "{\n\t.reg .pred inside;\n\tsetp.ne.b32 inside, %5, 0;\n\t"
        "@inside st.global.v4.u32 [%0], {%1, %2, %3, %4};\n\t}" ::"l"(to),
        "r"(v.x), "r"(v.y), "r"(v.z), "r"(v.w), "r"(int(inside))
        : "memory");
}

__device__ __forceinline__ void st_shared_v4(std::uint32_t to_shared, const uint4& v) {
    asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(to_shared), "r"(v.x), "r"(v.y), "r"(v.z), "r"(v.w)
                 : "memory");
}

__device__ __forceinline__ uint4 ld_shared_v4(std::uint32_t shared) {
    uint4 v;
    asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "r"(shared)
                 : "memory");
    return v;
}

__device__ __forceinline__ void st_shared_v2(std::uint32_t to_shared, const uint2& v) {
    asm volatile("st.shared.v2.u32 [%0], {%1, %2};" ::"r"(to_shared), "r"(v.x), "r"(v.y) : "memory");
}

__device__ __forceinline__ uint2 ld_shared_v2(std::uint32_t shared) {
    uint2 v;
    asm volatile("ld.shared.v2.u32 {%0, %1}, [%2];" : "=r"(v.x), "=r"(v.y) : "r"(shared) : "memory");
    return v;
}

__device__ __forceinline__ void st_shared_f32(std::uint32_t to_shared, float v) {
    asm volatile("st.shared.f32 [%0], %1;" ::"r"(to_shared), "f"(v) : "memory");
}

__device__ __forceinline__ float ld_shared_f32(std::uint32_t shared) {
    float v;
    asm volatile("ld.shared.f32 %0, [%1];" : "=f"(v) : "r"(shared) : "memory");
    return v;
}

}  // namespace convoy::kernels::cuda
