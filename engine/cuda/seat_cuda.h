// SPDX-License-Identifier: MIT
#pragma once

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

    /// Calls `read` with the picture in device memory and the stream on which it may be read: as it is, or on its way
    /// there.
    void with_picture(const Frame& frame, const std::function<void(const PixelView&, cudaStream_t)>& read);
    GpuTrail& trail();

private:
    struct Resources;
    cudaStream_t stream_of(const Frame& frame) const;
    void let_go(std::size_t which);

    CudaBackend& backend_;
    int which_ = 0;  // of the held frames is the last
    void* context_ = nullptr;
    std::shared_ptr<Resources> resources_;
};

}  // namespace convoy
