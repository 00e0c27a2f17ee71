// SPDX-License-Identifier: MIT
//
// d = a b (+ d) by the four warps of a warpgroup: compute capability 9.0 alone (sm_90a). a is 64 rows, b N rows of 32
// bytes of K each (16 halves or 8 floats), both in shared memory, or a in registers; sums are fp32. A warpgroup calls
// wgmma_fence(), any number of products, wgmma_commit(), and reads sums behind wgmma_wait().
//
// Thread t of the warpgroup holds, in d[4 j + 2 i + l], row 16 (t / 32) + 8 i + t % 32 / 4, column 8 j + 2 (t % 4) + l.
#pragma once

#include <cstdint>

namespace convoy::kernels::cuda {

/// Rows of 128 or 64 bytes of K as the copy engine leaves them with CU_TENSOR_MAP_SWIZZLE_128B or _64B, one behind the
/// other. `shared` may lie 32, 64 or 96 bytes behind a multiple of eight rows: further along K.
template <int ROW_BYTES>
__device__ __forceinline__ std::uint64_t wgmma_rows(std::uint32_t shared) {
    static_assert(ROW_BYTES == 128 || ROW_BYTES == 64);
    constexpr std::uint64_t kEightRows = 8 * ROW_BYTES >> 4, kSwizzle = ROW_BYTES == 128 ? 1 : 2;
    return (shared & 0x3ffff) >> 4 | std::uint64_t(1) << 16 | kEightRows << 32 | kSwizzle << 62;
}

/// The same rows, `bytes` further along K.
__device__ __forceinline__ std::uint64_t wgmma_along(std::uint64_t rows, int bytes) {
    return (rows >> 32 << 32) | (std::uint32_t(rows) + bytes / 16);  // never a carry
}

/// Rows in matrices of eight rows of 16 bytes, one row behind the other, not swizzled. Two matrices are a product's K,
/// `along_k` bytes apart; the next eight rows are `along_n` bytes further on. All are multiples of 16, and rows may
/// share what they have in common.
__device__ __forceinline__ std::uint64_t wgmma_matrices(std::uint32_t shared, int along_k, int along_n) {
    return (shared & 0x3ffff) >> 4 | std::uint64_t(along_k >> 4) << 16 | std::uint64_t(along_n >> 4) << 32;
}

__device__ __forceinline__ void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ __forceinline__ void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }

/// Waits until at most `PENDING` of this warpgroup's groups are under way.
template <int PENDING>
__device__ __forceinline__ void wgmma_wait() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(PENDING) : "memory");
}

/// Sums are read behind this, where others are still under way: nvcc does not see that they come with the wait.
template <int N>
__device__ __forceinline__ void wgmma_arrived(float (&d)[N]) {
#pragma unroll
    for (float& sum : d) asm volatile("" : "+f"(sum)::"memory");
}

/// The registers of the calling warpgroup: REGISTERS a thread from here on.
template <int REGISTERS>
__device__ __forceinline__ void setmaxnreg_inc() {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(REGISTERS));
}
template <int REGISTERS>
__device__ __forceinline__ void setmaxnreg_dec() {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(REGISTERS));
}

/// Sets of sums that tiles of n columns take in turns, so that no product waits for the one before. What that brings
/// was not measured by itself.
constexpr int wgmma_sets(int n) { return n <= 48 ? 4 : n <= 128 ? 2 : 1; }

/// d += a b, or d = a b where not `add`.
template <int N>
__device__ __forceinline__ void wgmma_m64k16_f16(float (&d)[N / 2], std::uint64_t a, std::uint64_t b, bool add);
/// The same, a from registers: of the thread's rows 16 (t / 32) + t % 32 / 4 and eight further, the halves of K
/// 2 (t % 4) + {0, 1} in the first two, eight halves further in the others. They stay as they are until the wait.
template <int N>
__device__ __forceinline__ void wgmma_m64k16_f16(float (&d)[N / 2], const std::uint32_t (&a)[4], std::uint64_t b,
                                                 bool add);
/// The first of floats, whose last 13 bits are not looked at.
template <int N>
__device__ __forceinline__ void wgmma_m64k8_tf32(float (&d)[N / 2], std::uint64_t a, std::uint64_t b, bool add);

// The operands of one instruction, in tens, since all are named one by one: %0 to %9, %10 to %19, ...
#define CONVOY_TEN(t) \
    "%" #t "0, %" #t "1, %" #t "2, %" #t "3, %" #t "4, %" #t "5, %" #t "6, %" #t "7, %" #t "8, %" #t "9, "
#define CONVOY_FIRST_TEN "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, "
#define CONVOY_30 CONVOY_FIRST_TEN CONVOY_TEN(1) CONVOY_TEN(2)
#define CONVOY_40 CONVOY_30 CONVOY_TEN(3)
#define CONVOY_60 CONVOY_40 CONVOY_TEN(4) CONVOY_TEN(5)
#define CONVOY_80 CONVOY_60 CONVOY_TEN(6) CONVOY_TEN(7)
#define CONVOY_100 CONVOY_80 CONVOY_TEN(8) CONVOY_TEN(9)
#define CONVOY_120 CONVOY_100 CONVOY_TEN(10) CONVOY_TEN(11)
#define CONVOY_SUMS4(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define CONVOY_SUMS16(i) CONVOY_SUMS4(i), CONVOY_SUMS4(i + 4), CONVOY_SUMS4(i + 8), CONVOY_SUMS4(i + 12)
#define CONVOY_SUMS32(i) CONVOY_SUMS16(i), CONVOY_SUMS16(i + 16)
#define CONVOY_SUMS64(i) CONVOY_SUMS32(i), CONVOY_SUMS32(i + 32)
// TURNED: which operands have K outermost; tf32's never have.
#define CONVOY_WGMMA_OF(FUNCTION, TYPES, TURNED, N, NAMES, A, B, ADD, ...)                                      \
    template <>                                                                                                 \
    __device__ __forceinline__ void FUNCTION<N>(float(&d)[N / 2], std::uint64_t a, std::uint64_t b, bool add) { \
        asm volatile("{\n\t.reg .pred add;\n\tsetp.ne.b32 add, %" #ADD                                          \
                     ", 0;\n\twgmma.mma_async.sync.aligned.m64n" #N TYPES " {" NAMES "}, %" #A ", %" #B         \
                     ", add, 1, 1" TURNED ";\n\t}"                                                              \
                     : __VA_ARGS__                                                                              \
                     : "l"(a), "l"(b), "r"(int(add)));                                                          \
    }
#define CONVOY_WGMMA(...)                                                       \
    CONVOY_WGMMA_OF(wgmma_m64k16_f16, "k16.f32.f16.f16", ", 0, 0", __VA_ARGS__) \
    CONVOY_WGMMA_OF(wgmma_m64k8_tf32, "k8.f32.tf32.tf32", "", __VA_ARGS__)
#define CONVOY_WGMMA_REGISTERS(N, NAMES, A, B, ADD, ...)                                                               \
    template <>                                                                                                        \
    __device__ __forceinline__ void wgmma_m64k16_f16<N>(float(&d)[N / 2], const std::uint32_t(&a)[4], std::uint64_t b, \
                                                        bool add) {                                                    \
        asm volatile("{\n\t.reg .pred add;\n\tsetp.ne.b32 add, %" #ADD ", 0;\n\twgmma.mma_async.sync.aligned.m64n" #N  \
                     "k16.f32.f16.f16 {" NAMES "}, {" A "}, %" #B ", add, 1, 1, 0;\n\t}"                               \
                     : __VA_ARGS__                                                                                     \
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(int(add)));                             \
    }
CONVOY_WGMMA_REGISTERS(64, CONVOY_30 "%30, %31", "%32, %33, %34, %35", 36, 37, CONVOY_SUMS32(0))
CONVOY_WGMMA_REGISTERS(72, CONVOY_30 "%30, %31, %32, %33, %34, %35", "%36, %37, %38, %39", 40, 41, CONVOY_SUMS32(0),
                       CONVOY_SUMS4(32))
CONVOY_WGMMA_REGISTERS(128, CONVOY_60 "%60, %61, %62, %63", "%64, %65, %66, %67", 68, 69, CONVOY_SUMS64(0))
CONVOY_WGMMA(32, CONVOY_FIRST_TEN "%10, %11, %12, %13, %14, %15", 16, 17, 18, CONVOY_SUMS16(0))
CONVOY_WGMMA(48, CONVOY_FIRST_TEN CONVOY_TEN(1) "%20, %21, %22, %23", 24, 25, 26, CONVOY_SUMS16(0), CONVOY_SUMS4(16),
             CONVOY_SUMS4(20))
CONVOY_WGMMA(64, CONVOY_30 "%30, %31", 32, 33, 34, CONVOY_SUMS32(0))
CONVOY_WGMMA(88, CONVOY_40 "%40, %41, %42, %43", 44, 45, 46, CONVOY_SUMS32(0), CONVOY_SUMS4(32), CONVOY_SUMS4(36),
             CONVOY_SUMS4(40))
CONVOY_WGMMA(104, CONVOY_40 CONVOY_TEN(4) "%50, %51", 52, 53, 54, CONVOY_SUMS32(0), CONVOY_SUMS16(32), CONVOY_SUMS4(48))
CONVOY_WGMMA(128, CONVOY_60 "%60, %61, %62, %63", 64, 65, 66, CONVOY_SUMS64(0))
CONVOY_WGMMA(160,
             CONVOY_60
             "%60, %61, %62, %63, %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79",
             80, 81, 82, CONVOY_SUMS64(0), CONVOY_SUMS16(64))
CONVOY_WGMMA(168, CONVOY_80 "%80, %81, %82, %83", 84, 85, 86, CONVOY_SUMS64(0), CONVOY_SUMS16(64), CONVOY_SUMS4(80))
CONVOY_WGMMA(208, CONVOY_100 "%100, %101, %102, %103", 104, 105, 106, CONVOY_SUMS64(0), CONVOY_SUMS32(64),
             CONVOY_SUMS4(96), CONVOY_SUMS4(100))
CONVOY_WGMMA(216, CONVOY_100 "%100, %101, %102, %103, %104, %105, %106, %107", 108, 109, 110, CONVOY_SUMS64(0),
             CONVOY_SUMS32(64), CONVOY_SUMS4(96), CONVOY_SUMS4(100), CONVOY_SUMS4(104))
CONVOY_WGMMA(224, CONVOY_100 "%100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111", 112, 113, 114,
             CONVOY_SUMS64(0), CONVOY_SUMS32(64), CONVOY_SUMS16(96))
CONVOY_WGMMA(256, CONVOY_120 "%120, %121, %122, %123, %124, %125, %126, %127", 128, 129, 130, CONVOY_SUMS64(0),
             CONVOY_SUMS64(64))

/// d += a b, or d = a b where not `add`, with a in registers: a[2 i + l] of thread t has row 16 (t / 32) + 8 l +
/// t % 32 / 4, columns 8 i + 2 (t % 4) and the next.
template <int N>
__device__ __forceinline__ void wgmma_m64k16_f16_by(float (&d)[N / 2], const std::uint32_t (&a)[4], std::uint64_t b,
                                                    bool add);
template <>
__device__ __forceinline__ void wgmma_m64k16_f16_by<224>(float (&d)[112], const std::uint32_t (&a)[4], std::uint64_t b,
                                                         bool add) {
    asm volatile(
        "{\n\t.reg .pred add;\n\tsetp.ne.b32 add, %117, 0;\n\twgmma.mma_async.sync.aligned.m64n224k16.f32.f16.f16 "
        "{" CONVOY_100
        "%100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111}, "
        "{%112, %113, %114, %115}, %116, add, 1, 1, 0;\n\t}"
        : CONVOY_SUMS64(0), CONVOY_SUMS32(64), CONVOY_SUMS16(96)
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(int(add)));
}
#undef CONVOY_WGMMA
#undef CONVOY_WGMMA_REGISTERS
#undef CONVOY_WGMMA_OF
#undef CONVOY_SUMS64
#undef CONVOY_SUMS32
#undef CONVOY_SUMS16
#undef CONVOY_SUMS4
#undef CONVOY_120
#undef CONVOY_100
#undef CONVOY_80
#undef CONVOY_60
#undef CONVOY_40
#undef CONVOY_30
#undef CONVOY_FIRST_TEN
#undef CONVOY_TEN

}  // namespace convoy::kernels::cuda
