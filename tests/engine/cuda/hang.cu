// SPDX-License-Identifier: MIT
#include "tests/engine/cuda/hang.h"

#include <cuda_runtime_api.h>

#include "tests/support/cuda.h"

namespace convoy::test {
namespace {

constexpr int kThreads = 512;  // divides what a multiprocessor holds, 1536 or 2048

__global__ void wait_for_host(const volatile int* released) {
    if (threadIdx.x == 0)
        while (*released == 0) __nanosleep(10'000);
    __syncthreads();
}

}  // namespace

struct HangingGpu::Impl {
    int gpu = 0;
    cudaStream_t stream = nullptr;
    volatile int* released = nullptr;
};

HangingGpu::HangingGpu(int gpu) : impl_(std::make_unique<Impl>()) {
    Impl& i = *impl_;
    i.gpu = gpu;
    cuda_ok(cudaSetDevice(gpu));
    cuda_ok(cudaStreamCreateWithFlags(&i.stream, cudaStreamNonBlocking));
    void* host = nullptr;
    cuda_ok(cudaHostAlloc(&host, sizeof(int), cudaHostAllocMapped));
    i.released = static_cast<volatile int*>(host);
    *i.released = 0;
    int blocks = 0;
    cuda_ok(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, wait_for_host, kThreads, 0));
    wait_for_host<<<blocks * current_caps().multiprocessors, kThreads, 0, i.stream>>>(i.released);
    cuda_ok(cudaGetLastError());
}

HangingGpu::~HangingGpu() {
    *impl_->released = 1;
    cudaSetDevice(impl_->gpu);
    cudaStreamSynchronize(impl_->stream);
    cudaStreamDestroy(impl_->stream);
    cudaFreeHost(const_cast<int*>(impl_->released));
}

}  // namespace convoy::test
