// SPDX-License-Identifier: MIT
//
// CUDA's resources as move-only values. Failures to get one are Error(device); destructors never throw.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>

#include "darknet_loader/error.h"

struct CUctx_st;

namespace convoy {

inline void cuda_check(cudaError_t status, const char* what) {
    if (status == cudaSuccess) return;
    static_cast<void>(cudaGetLastError());  // or the next launch would be blamed
    throw Error(ErrorKind::device, std::string("CUDA: ") + what + ": " + cudaGetErrorString(status));
}

/// Makes a device's primary context the calling thread's current one, and puts the former context back at the end: none
/// if there was none, so that no other device is ever touched.
class DeviceScope {
public:
    explicit DeviceScope(int device);
    ~DeviceScope();
    DeviceScope(const DeviceScope&) = delete;
    DeviceScope& operator=(const DeviceScope&) = delete;

private:
    CUctx_st* before_ = nullptr;
};

/// The calling thread's CUcontext: inside a DeviceScope, the device's primary one.
void* current_context();

template <typename Handle, cudaError_t (*destroy)(Handle)>
struct CudaDeleter {
    using pointer = Handle;
    void operator()(Handle handle) const { static_cast<void>(destroy(handle)); }
};
template <typename Handle, cudaError_t (*destroy)(Handle)>
using CudaHandle = std::unique_ptr<std::remove_pointer_t<Handle>, CudaDeleter<Handle, destroy>>;

using CudaStream = CudaHandle<cudaStream_t, cudaStreamDestroy>;
using CudaEvent = CudaHandle<cudaEvent_t, cudaEventDestroy>;
using CudaGraph = CudaHandle<cudaGraphExec_t, cudaGraphExecDestroy>;

/// `urgent`: what is ready to run there goes before what other streams have queued up.
CudaStream make_stream(bool urgent = false);
CudaEvent make_event(bool timing = false);

/// Runs `enqueue(stream)` under capture and makes an executable graph of what it enqueued on `stream` and on streams
/// that wait for it. Other threads may use CUDA freely meanwhile.
template <typename F>
CudaGraph capture(cudaStream_t stream, F&& enqueue) {
    cuda_check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "begin capture");
    cudaGraph_t graph = nullptr;
    try {
        enqueue(stream);
    } catch (...) {
        static_cast<void>(cudaStreamEndCapture(stream, &graph));
        if (graph) static_cast<void>(cudaGraphDestroy(graph));
        throw;
    }
    cuda_check(cudaStreamEndCapture(stream, &graph), "end capture");
    const CudaHandle<cudaGraph_t, cudaGraphDestroy> owner(graph);
    cudaGraphExec_t exec = nullptr;
    cuda_check(cudaGraphInstantiate(&exec, graph, 0), "cudaGraphInstantiate");
    return CudaGraph(exec);
}

/// Device memory, aligned to 256 bytes. Not initialised.
class DeviceBuffer {
public:
    DeviceBuffer() = default;
    explicit DeviceBuffer(std::size_t bytes, const char* what = "buffer");
    std::byte* data() const { return static_cast<std::byte*>(data_.get()); }
    std::size_t bytes() const { return bytes_; }

private:
    CudaHandle<void*, cudaFree> data_;
    std::size_t bytes_ = 0;
};

/// Page-locked host memory that the device reads and writes in place, zeroed.
class PinnedBuffer {
public:
    PinnedBuffer() = default;
    explicit PinnedBuffer(std::size_t bytes);
    std::byte* data() const { return static_cast<std::byte*>(data_.get()); }
    std::size_t bytes() const { return bytes_; }

private:
    CudaHandle<void*, cudaFreeHost> data_;
    std::size_t bytes_ = 0;
};

}  // namespace convoy
