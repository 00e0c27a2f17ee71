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
    void frame_done() noexcept override;

    /// The picture of a frame in host memory as it lies on the GPU, where stream() may read it: sent there once, until
    /// frame_done().
    const PixelView& on_device(const Frame& frame);
    /// Where a picture in host memory is copied to the GPU.
    cudaStream_t stream() const;
    GpuTrail& trail();
    /// Puts pictures of a frame in device memory into a group, from a place on, and holds its owner until they were
    /// read.
    void add_to(PictureGroup& group, int first, const Frame& frame,
                std::span<const kernels::cuda::PlacedPicture> pictures);

private:
    struct Resources;
    cudaStream_t stream_of(const Frame& frame) const;
    void let_go_of_oldest();

    CudaBackend& backend_;
    void* context_ = nullptr;
    std::shared_ptr<Resources> resources_;
};

}  // namespace convoy
