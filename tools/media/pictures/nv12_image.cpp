// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstddef>

#include <convoy/error.h>
#include <convoy/media/image.h>

namespace convoy::media {

PixelView Nv12Image::view() const {
    PixelView out;
    out.format = PixelFormat::nv12;
    out.width = width, out.height = height;
    out.matrix = matrix, out.range = range;
    out.plane[0] = bytes.data();
    out.plane[1] = bytes.data() + std::size_t(pitch()) * std::size_t(height);
    out.pitch[0] = out.pitch[1] = pitch();
    return out;
}

void copy_nv12(const PixelView& pixels, Nv12Image& to) {
    if (pixels.format != PixelFormat::nv12 || pixels.on_device || pixels.width <= 0 || pixels.height <= 0 ||
        !pixels.plane[0] || !pixels.plane[1])
        throw Error(ErrorKind::usage, "a picture to be copied is not NV12 in host memory");
    to.width = pixels.width, to.height = pixels.height;
    to.matrix = pixels.matrix, to.range = pixels.range;
    to.bytes.resize(std::size_t(to.pitch()) * std::size_t(to.height + to.chroma_rows()));
    const auto row = [&](int plane, int y) { return pixels.plane[plane] + std::ptrdiff_t(y) * pixels.pitch[plane]; };
    for (int y = 0; y < to.height; ++y) std::copy_n(row(0, y), to.width, to.luma_row(y));
    for (int y = 0; y < to.chroma_rows(); ++y) std::copy_n(row(1, y), to.pitch(), to.chroma_row(y));
}

}  // namespace convoy::media
