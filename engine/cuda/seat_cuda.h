// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include "engine/cuda/gpu_trail.h"
#include "engine/cuda/upload_ring.h"

namespace convoy {

/// A decoder thread's stream on a GPU, and the buffers of pictures on their way there and back.
class CudaSeat final : public DecoderSeat {
public:
    CudaSeat(CudaBackend& backend, const std::string& name);
    ~CudaSeat() override;
    DecodeTarget target() const override;
    void to_host(Frame& frame) override;
    void hold(Frame& frame) override;
    void release() override;

    /// The picture in device memory, read on stream_of(frame): as it is, or on its way there.
    kernels::PixelView on_device(const Frame& frame);
    cudaStream_t stream_of(const Frame& frame) const;
    UploadRing& ring() { return ring_; }
    GpuTrail& trail() { return trail_; }

private:
    CudaBackend& backend_;
    CudaStream stream_;
    UploadRing ring_;
    CudaEvent done_;
    // A frame that is perhaps still being read, and the event after that. The one before it was let go of.
    std::shared_ptr<const void> held_;
    std::array<CudaEvent, 2> held_until_;
    int which_ = 0;
    void* context_ = nullptr;
    GpuTrail trail_;
};

}  // namespace convoy
