// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include "engine/cuda/handles.h"
#include "kernels/preprocess.h"

namespace convoy {

/// Pictures on their way from host memory to the device: a few page-locked buffers used in turn, each with its own
/// stream, so that one is filled while others are copied and scaled. Buffers grow to the largest picture seen.
class UploadRing {
public:
    UploadRing();

    struct Upload {
        kernels::PixelView device;  ///< the same picture in device memory, once `stream` has got that far
        cudaStream_t stream;        ///< enqueue its reader here
        int entry;                  ///< which of the buffers
    };
    /// The picture's bytes are copied before the call returns. Waits for the reader enqueued kDepth pictures ago.
    /// `started`, if any, is recorded before the copy.
    Upload upload(const kernels::PixelView& picture, cudaEvent_t started = nullptr);

    static constexpr int kDepth = 4;

private:
    struct Entry {
        CudaStream stream;
        PinnedBuffer host;
        DeviceBuffer device;
    };
    std::array<Entry, kDepth> entries_;
    int next_ = 0;
};

}  // namespace convoy
