// SPDX-License-Identifier: MIT
#include "engine/cuda/handles.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <exception>
#include <thread>

namespace convoy {
namespace {

/// The driver's functions for contexts, found at run time: the program is not linked with the driver.
struct ContextApi {
    int (*get)(CUctx_st**) = nullptr;
    int (*set)(CUctx_st*) = nullptr;

    ContextApi() {
        find("cuCtxGetCurrent", get);
        find("cuCtxSetCurrent", set);
    }
    template <typename F>
    static void find(const char* name, F& function) {
        constexpr unsigned kCuda12 = 12000;
        void* address = nullptr;
        cudaDriverEntryPointQueryResult found{};
        cuda_check(cudaGetDriverEntryPointByVersion(name, &address, kCuda12, cudaEnableDefault, &found), name);
        if (found != cudaDriverEntryPointSuccess)
            throw Error(ErrorKind::device, std::string("the NVIDIA driver has no ") + name);
        function = reinterpret_cast<F>(address);
    }
};

const ContextApi& contexts() {
    static const ContextApi api;
    return api;
}

}  // namespace

DeviceScope::DeviceScope(int device) {
    contexts().get(&before_);
    cuda_check(cudaSetDevice(device), "cudaSetDevice");
}

DeviceScope::~DeviceScope() { contexts().set(before_); }

void* current_context() {
    CUctx_st* context = nullptr;
    contexts().get(&context);
    return context;
}

CudaStream make_stream(bool urgent) {
    int least = 0, greatest = 0;
    if (urgent) cuda_check(cudaDeviceGetStreamPriorityRange(&least, &greatest), "stream priorities");
    cudaStream_t stream = nullptr;
    cuda_check(cudaStreamCreateWithPriority(&stream, cudaStreamNonBlocking, greatest), "cudaStreamCreate");
    return CudaStream(stream);
}

CudaEvent make_event(bool timing) {
    cudaEvent_t event = nullptr;
    cuda_check(cudaEventCreateWithFlags(&event, timing ? cudaEventDefault : cudaEventDisableTiming), "cudaEventCreate");
    return CudaEvent(event);
}

void wait_for_other(cudaStream_t waiting, cudaEvent_t event, cudaStream_t other) {
    cuda_check(cudaEventRecord(event, other), "cudaEventRecord");
    cuda_check(cudaStreamWaitEvent(waiting, event, 0), "cudaStreamWaitEvent");
}

namespace {

bool is_done(cudaError_t status, const char* what) {
    if (status == cudaErrorNotReady) {
        static_cast<void>(cudaGetLastError());
        return false;
    }
    cuda_check(status, what);
    return true;
}

void* allocate_on_device(std::size_t bytes, const char* what) {
    void* data = nullptr;
    const cudaError_t status = cudaMalloc(&data, std::max<std::size_t>(1, bytes));
    if (status == cudaErrorMemoryAllocation) {
        static_cast<void>(cudaGetLastError());
        std::size_t free = 0, total = 0;
        static_cast<void>(cudaMemGetInfo(&free, &total));
        throw Error(ErrorKind::device, "the GPU has no room for " + std::to_string(bytes >> 20) + " MiB (" + what +
                                           "): " + std::to_string(free >> 20) + " of " + std::to_string(total >> 20) +
                                           " MiB are free; take a smaller batch or input size");
    }
    cuda_check(status, what);
    return data;
}

void* allocate_page_locked(std::size_t bytes) {
    void* data = nullptr;
    cuda_check(cudaHostAlloc(&data, std::max<std::size_t>(1, bytes), cudaHostAllocMapped | cudaHostAllocPortable),
               "page-locked memory");
    std::memset(data, 0, bytes);
    return data;
}

}  // namespace

CudaGraph capture(cudaStream_t stream, const std::function<void(cudaStream_t)>& enqueue) {
    constexpr int kAttempts = 20;
    using GraphTemplate = CudaHandle<cudaGraph_t, cudaGraphDestroy>;
    for (int attempt = 1;; ++attempt) {
        cuda_check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "begin capture");
        std::exception_ptr error;
        try {
            enqueue(stream);
        } catch (...) {
            error = std::current_exception();
        }
        cudaStreamCaptureStatus capturing = cudaStreamCaptureStatusNone;
        static_cast<void>(cudaStreamIsCapturing(stream, &capturing));
        cudaGraph_t graph = nullptr;
        const cudaError_t ended = cudaStreamEndCapture(stream, &graph);
        const GraphTemplate owner(graph);
        const bool ended_from_outside =
            capturing == cudaStreamCaptureStatusInvalidated || ended == cudaErrorStreamCaptureInvalidated;
        if (ended_from_outside && attempt < kAttempts) {
            static_cast<void>(cudaGetLastError());
            std::this_thread::sleep_for(std::chrono::milliseconds(attempt));
            continue;
        }
        if (error) std::rethrow_exception(error);
        cuda_check(ended, "end capture");
        cudaGraphExec_t exec = nullptr;
        cuda_check(cudaGraphInstantiate(&exec, graph, 0), "cudaGraphInstantiate");
        return CudaGraph(exec);
    }
}

void wait_for(Patience& patience, cudaEvent_t event, const char* what, Patience::Manner manner) {
    patience.wait(
        what, [=] { return is_done(cudaEventQuery(event), what); }, manner);
}

void wait_for(Patience& patience, cudaStream_t stream, const char* what, Patience::Manner manner) {
    patience.wait(
        what, [=] { return is_done(cudaStreamQuery(stream), what); }, manner);
}

DeviceBuffer::DeviceBuffer(std::size_t bytes, const char* what, const Patience* patience)
    : CudaMemory(allocate_on_device(bytes, what), bytes, patience) {}

PinnedBuffer::PinnedBuffer(std::size_t bytes, const Patience* patience)
    : CudaMemory(allocate_page_locked(bytes), bytes, patience) {}

}  // namespace convoy
