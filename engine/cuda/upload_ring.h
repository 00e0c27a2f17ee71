// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include "engine/cuda/handles.h"
#include "kernels/preprocess.h"

namespace convoy {

/// Pictures on their way from host memory to the device, on one stream: page-locked buffers used in turn, so that one
/// is filled while another is copied and read. Buffers grow to the largest picture seen.
class UploadRing {
public:
    explicit UploadRing(cudaStream_t stream);

    /// The same picture in device memory, once the stream has got that far. Its bytes are copied before the call
    /// returns. Waits for the reader of kDepth pictures ago.
    kernels::PixelView upload(const kernels::PixelView& picture);
    /// What reads the picture that was uploaded last is enqueued.
    void has_reader();

    static constexpr int kDepth = 3;

private:
    struct Entry {
        PinnedBuffer host;
        DeviceBuffer device;
        CudaEvent read;
    };
    cudaStream_t stream_;
    std::array<Entry, kDepth> entries_;
    int last_ = 0;
};

}  // namespace convoy
