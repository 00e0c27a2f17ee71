// SPDX-License-Identifier: MIT
//
// JPEG by a GPU: NVIDIA's nvJPEG, opened at run time, and beside it what of CUDA's driver that takes.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <convoy/types.h>

namespace convoy::media {

/// A GPU's primary context, in which nvJPEG lives, and nvJPEG's handle. From any thread.
class NvJpegGpu {
public:
    /// `gpu` is CUDA's number. Throws std::runtime_error with a few words on why it cannot encode: no driver, no such
    /// GPU, no libnvjpeg.
    explicit NvJpegGpu(int gpu);
    ~NvJpegGpu();
    NvJpegGpu(const NvJpegGpu&) = delete;
    NvJpegGpu& operator=(const NvJpegGpu&) = delete;

private:
    friend class NvJpegEncoder;
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Encodes pictures in host memory, one at a time, on a stream of its own; its memory stays as large as the largest
/// picture needed. The calling thread's CUDA context is as before after every call. From one thread at a time; several
/// encoders work side by side.
class NvJpegEncoder {
public:
    /// Throws std::runtime_error with nvJPEG's or the driver's reason.
    explicit NvJpegEncoder(std::shared_ptr<const NvJpegGpu> gpu);
    ~NvJpegEncoder();
    NvJpegEncoder(const NvJpegEncoder&) = delete;
    NvJpegEncoder& operator=(const NvJpegEncoder&) = delete;

    /// NV12 or RGB8 to a baseline JPEG file, YCbCr 4:2:0, of `quality` 1 to 100. RGB becomes YCbCr on the GPU; NV12 is
    /// split into planes and brought to JPEG's range and matrix on its way into page-locked memory, a copy that upload
    /// takes anyway. Throws std::runtime_error, also when the GPU has not answered for ten seconds (nvJPEG's own waits
    /// inside are not covered): the encoder must not be used again then, nor after any other failure.
    void encode(const PixelView& picture, int quality, std::vector<std::uint8_t>& file);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace convoy::media
