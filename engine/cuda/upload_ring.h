// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "engine/cuda/handles.h"
#include "kernels/preprocess.h"

namespace convoy {

/// Pictures on their way from host memory to the device, on one stream: through page-locked pieces used in turn, so
/// that one is filled while another is copied. Nothing is freed before the end, but for the memory of large pictures,
/// which the stream itself takes and gives back: to free is to wait for all that the device does.
class UploadRing {
public:
    /// `patience` outlives the ring.
    UploadRing(cudaStream_t stream, Patience& patience);

    /// The same picture in device memory: what is enqueued on the stream may read it until done() or the next upload().
    /// The picture's bytes are copied before the call returns.
    PixelView upload(const PixelView& picture);
    void done() { large_.reset(); }
    /// Of page-locked memory.
    std::size_t host_bytes() const;

    static constexpr int kDepth = 3;
    static constexpr std::size_t kPieceBytes = std::size_t(8) << 20;
    static constexpr std::size_t kMostKept = std::size_t(64) << 20;  ///< bytes of a picture in device memory

private:
    struct Piece {
        PinnedBuffer host;
        CudaEvent copied;
    };

    void copy(const PixelView& picture, std::size_t first, std::size_t bytes, std::byte* to);
    std::byte* next_piece(std::size_t bytes);

    cudaStream_t stream_;
    Patience& patience_;
    const bool stream_allocates_;
    std::array<Piece, kDepth> pieces_;
    int last_ = 0;
    DeviceBuffer device_;
    std::shared_ptr<std::byte> large_;  // taken and given back in the stream's own order
    std::vector<DeviceBuffer> outgrown_;
    std::vector<PinnedBuffer> outgrown_pieces_;
};

}  // namespace convoy
