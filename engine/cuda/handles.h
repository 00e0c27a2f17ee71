// SPDX-License-Identifier: MIT
//
// CUDA's resources as move-only values. Failures to get one are Error(device); destructors never throw.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>

#include <convoy/error.h>
#include "engine/cuda/patience.h"

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
/// What comes next on `waiting` waits for all that `other` has so far. `event` marks the place, and may be used again.
void wait_for_other(cudaStream_t waiting, cudaEvent_t event, cudaStream_t other);

/// Runs `enqueue(stream)` under capture and makes an executable graph of what it enqueued on `stream` and on streams
/// that wait for it. Other threads may use CUDA freely meanwhile: what they do may end a capture (to wait for the whole
/// device does), which is then begun anew, so that `enqueue` may be called again.
CudaGraph capture(cudaStream_t stream, const std::function<void(cudaStream_t)>& enqueue);

/// Wait until what is recorded, or enqueued so far, has been done. Throw Error(device) when CUDA reports one, or when
/// the device hangs.
void wait_for(Patience& patience, cudaEvent_t event, const char* what,
              Patience::Manner manner = Patience::Manner::sleep);
void wait_for(Patience& patience, cudaStream_t stream, const char* what,
              Patience::Manner manner = Patience::Manner::sleep);

/// Memory that CUDA frees: which waits for all that the device still does, so that of a device that hangs it is left.
template <cudaError_t (*free)(void*)>
class CudaMemory {
public:
    CudaMemory() = default;
    std::byte* data() const { return data_.get(); }
    std::size_t bytes() const { return bytes_; }

protected:
    /// `patience`, which may be null, outlives the memory.
    CudaMemory(void* data, std::size_t bytes, const Patience* patience)
        : data_(static_cast<std::byte*>(data), {patience}), bytes_(bytes) {}

private:
    struct Free {
        const Patience* patience = nullptr;
        void operator()(std::byte* data) const {
            if (!patience || !patience->exhausted()) static_cast<void>(free(data));
        }
    };
    std::unique_ptr<std::byte, Free> data_;
    std::size_t bytes_ = 0;
};

/// Device memory, aligned to 256 bytes. Not initialised.
class DeviceBuffer : public CudaMemory<cudaFree> {
public:
    DeviceBuffer() = default;
    explicit DeviceBuffer(std::size_t bytes, const char* what = "buffer", const Patience* patience = nullptr);
};

/// Page-locked host memory that the device reads and writes in place, zeroed.
class PinnedBuffer : public CudaMemory<cudaFreeHost> {
public:
    PinnedBuffer() = default;
    explicit PinnedBuffer(std::size_t bytes, const Patience* patience = nullptr);
};

}  // namespace convoy
