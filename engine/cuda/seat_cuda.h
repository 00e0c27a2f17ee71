// SPDX-License-Identifier: MIT
#pragma once

#include "engine/cuda/gpu_trail.h"
#include "engine/cuda/picture_group.h"
#include "engine/cuda/upload_ring.h"

namespace convoy {

/// A decoder thread's stream on a GPU, and the buffers of pictures on their way there and back.
class CudaSeat final : public DecoderSeat {
public:
    CudaSeat(CudaBackend& backend, const std::string& name);
    ~CudaSeat() override;
    DecodeTarget target() const override;
    void to_host(Frame& frame) override;
    void release() override;

    /// Calls `read` with a picture in host memory when it is on its way to device memory, where stream() may read it.
    void with_picture(const Frame& frame, const std::function<void(const PixelView&)>& read);
    /// Where a picture in host memory is copied to the GPU.
    cudaStream_t stream() const;
    GpuTrail& trail();
    /// Puts a picture in device memory into a group, and holds its owner until it was read.
    void add_to(PictureGroup& group, int place, const Frame& frame, const kernels::Placement& placement);

private:
    struct Resources;
    cudaStream_t stream_of(const Frame& frame) const;
    void let_go_of_oldest();

    CudaBackend& backend_;
    void* context_ = nullptr;
    std::shared_ptr<Resources> resources_;
};

}  // namespace convoy
