// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include <convoy/export.h>
#include <convoy/frame.h>
#include <convoy/media/image.h>

namespace convoy::media {

/// The engine's pictures as RGB images, to draw on. Keeps its buffers; one object serves one thread.
class CONVOY_API ImageConverter {
public:
    ImageConverter();
    ~ImageConverter();
    ImageConverter(ImageConverter&&) noexcept;
    ImageConverter& operator=(ImageConverter&&) noexcept;

    /// NV12 by its matrix and range, each chroma sample for its 2×2 pixels, within 3 of 255 of the exact value; RGB8 as
    /// it is. `to` keeps its memory if the size stays. Throws Error(usage) for pixels that are not in host memory.
    void convert(const PixelView& pixels, Image& to);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace convoy::media
