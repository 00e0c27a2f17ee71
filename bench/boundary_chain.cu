// SPDX-License-Identifier: MIT
#include "bench/boundary_chain.h"

#include <array>
#include <type_traits>
#include <utility>

#include "kernels/cuda/check.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/ptx/griddepcontrol.cuh"

namespace convoy::bench {
namespace {

namespace k = kernels::cuda;

constexpr int kRead = 5;
constexpr unsigned kMissing = ~0u;  // no value: those are bytes
using Vector = uint4;

/// The i-th of five blocks, from block 37 blockIdx.x on, round and round.
__device__ unsigned block_read(int i) { return (blockIdx.x * 37 + i) % gridDim.x; }
/// This thread's vector of it.
__device__ const Vector* read_from(const Vector* x, int i) { return x + block_read(i) * kChainThreads + threadIdx.x; }

__device__ Vector sum_of(const Vector (&all)[kRead]) {
    Vector sum{};
    for (const Vector& v : all) sum.x += v.x, sum.y += v.y, sum.z += v.z, sum.w += v.w;
    return {sum.x & 255, sum.y & 255, sum.z & 255, sum.w & 255};
}

/// By way of L2, as another multiprocessor writes them.
__device__ Vector load(const Vector* from) {
    Vector v;
    asm volatile("ld.relaxed.gpu.global.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "l"(from)
                 : "memory");
    return v;
}
__device__ void store(Vector* to, Vector v) {
    asm volatile("st.relaxed.gpu.global.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(to), "r"(v.x), "r"(v.y), "r"(v.z),
                 "r"(v.w)
                 : "memory");
}

__device__ void layer(const Vector* x, Vector* y) {
    Vector all[kRead];
#pragma unroll
    for (int i = 0; i < kRead; ++i) all[i] = load(read_from(x, i));
    store(y + blockIdx.x * kChainThreads + threadIdx.x, sum_of(all));
}

/// A kernel of its own for every layer.
__global__ void one_layer(const Vector* x, Vector* y) {
    k::griddepcontrol_launch_dependents();
    k::griddepcontrol_wait();
    layer(x, y);
}

/// The same with so many instructions more, one behind the other. They are the same in each of the functions.
template <int FUNCTION>
__global__ void one_long_layer(const Vector* x, Vector* y) {
    k::griddepcontrol_launch_dependents();
    k::griddepcontrol_wait();
    Vector v = *read_from(x, 0);
#pragma unroll
    for (int i = 0; i < kChainInstructions / 4; ++i)
        asm volatile(
            "mad.lo.u32 %0, %1, %2, %0;\n\tmad.lo.u32 %1, %2, %3, %1;\n\tmad.lo.u32 %2, %3, %0, %2;\n\t"
            "mad.lo.u32 %3, %0, %1, %3;"
            : "+r"(v.x), "+r"(v.y), "+r"(v.z), "+r"(v.w));
    y[blockIdx.x * kChainThreads + threadIdx.x] = v;
}

template <int... FUNCTION>
auto long_layers(std::integer_sequence<int, FUNCTION...>) {
    return std::array{one_long_layer<FUNCTION>...};
}

/// One kernel for all. A block that is done with a layer says so in a counter, and goes on when all have.
__global__ void all_by_counters(Vector* tensors, unsigned* counters) {
    const std::size_t tensor = std::size_t(gridDim.x) * kChainThreads;
    for (int i = 0; i < kChainLayers; ++i) {
        layer(tensors + i * tensor, tensors + (i + 1) * tensor);
        __syncthreads();
        if (threadIdx.x == 0) {
            unsigned done;
            asm volatile("red.release.gpu.global.add.u32 [%0], 1;" ::"l"(counters + kChainFlag * i) : "memory");
            do
                asm volatile("ld.acquire.gpu.global.u32 %0, [%1];"
                             : "=r"(done)
                             : "l"(counters + kChainFlag * i)
                             : "memory");
            while (done < gridDim.x);
        }
        __syncthreads();
    }
}

/// One kernel for all. A block that is done with a layer says so in a flag of its own, and waits for those alone whose
/// values it reads.
__global__ void all_by_flags(Vector* tensors, unsigned* flags) {
    const std::size_t tensor = std::size_t(gridDim.x) * kChainThreads;
    for (int i = 0; i < kChainLayers; ++i) {
        if (i > 0 && threadIdx.x < kRead) {
            const unsigned* flag = flags + kChainFlag * ((i - 1) * gridDim.x + block_read(threadIdx.x));
            unsigned done;
            do asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(done) : "l"(flag) : "memory");
            while (done == 0);
        }
        __syncthreads();
        layer(tensors + i * tensor, tensors + (i + 1) * tensor);
        __syncthreads();
        unsigned* own = flags + kChainFlag * (i * gridDim.x + blockIdx.x);
        if (threadIdx.x == 0) asm volatile("st.release.gpu.global.u32 [%0], 1;" ::"l"(own) : "memory");
    }
}

/// One kernel for all. A block reads again and again what it needs, until all values are there.
__global__ void all_by_values(Vector* tensors) {
    const std::size_t tensor = std::size_t(gridDim.x) * kChainThreads;
    for (int i = 0; i < kChainLayers; ++i) {
        Vector all[kRead];
        for (bool missing = true; missing;) {
            missing = false;
#pragma unroll
            for (int j = 0; j < kRead; ++j) all[j] = load(read_from(tensors + i * tensor, j));
            for (const Vector& v : all)
                missing |= v.x == kMissing || v.y == kMissing || v.z == kMissing || v.w == kMissing;
        }
        store(tensors + (i + 1) * tensor + blockIdx.x * kChainThreads + threadIdx.x, sum_of(all));
    }
}

/// All blocks are there at once, or the launch fails.
template <typename... Args>
void launch_together(void (*kernel)(Args...), int blocks, cudaStream_t stream, std::type_identity_t<Args>... args) {
    void* at[] = {&args...};
    k::check(cudaLaunchCooperativeKernel(reinterpret_cast<const void*>(kernel), dim3(blocks), dim3(kChainThreads), at,
                                         0, stream),
             "cudaLaunchCooperativeKernel");
}

}  // namespace

void Chain::reset(cudaStream_t stream) const {
    const std::size_t bytes = tensor() * sizeof(Vector);
    k::check(cudaMemsetAsync(tensors, 0, bytes, stream), "cudaMemsetAsync");
    k::check(cudaMemsetAsync(tensors + tensor(), 0xff, bytes * kChainLayers, stream), "cudaMemsetAsync");
    k::check(cudaMemsetAsync(counters, 0, counters_bytes(), stream), "cudaMemsetAsync");
}

void Chain::run_kernels(bool dependent, cudaStream_t stream) const {
    for (int i = 0; i < kChainLayers; ++i) {
        const Vector* x = tensors + i * tensor();
        Vector* y = tensors + (i + 1) * tensor();
        if (dependent)
            k::launch_dependent(one_layer, dim3(blocks), dim3(kChainThreads), 0, stream, dim3(1), x, y);
        else
            one_layer<<<blocks, kChainThreads, 0, stream>>>(x, y);
    }
    k::check_launch("one_layer");
}

void Chain::run_long_kernels(int functions, cudaStream_t stream) const {
    static const auto all = long_layers(std::make_integer_sequence<int, kChainFunctions>());
    for (int i = 0; i < kChainLayers; ++i)
        k::launch_dependent(all[std::size_t(i % functions)], dim3(blocks), dim3(kChainThreads), 0, stream, dim3(1),
                            tensors + i * tensor(), tensors + (i + 1) * tensor());
    k::check_launch("one_long_layer");
}

void Chain::run_by_counters(cudaStream_t stream) const {
    launch_together(all_by_counters, blocks, stream, tensors, counters);
}

void Chain::run_by_flags(cudaStream_t stream) const {
    launch_together(all_by_flags, blocks, stream, tensors, counters);
}

void Chain::run_by_values(cudaStream_t stream) const { launch_together(all_by_values, blocks, stream, tensors); }

}  // namespace convoy::bench
