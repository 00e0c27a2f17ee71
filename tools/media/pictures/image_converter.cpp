// SPDX-License-Identifier: MIT
#include <convoy/media/image_converter.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <convoy/error.h>
#include "tools/media/pictures/rgb_converter.h"
#include "tools/media/pictures/rgb_frame.h"

namespace convoy::media {
namespace {

const std::uint8_t* row_of(const PixelView& pixels, int plane, int y) {
    return pixels.plane[plane] + std::ptrdiff_t(y) * pixels.pitch[plane];
}

}  // namespace

struct [[gnu::visibility("hidden")]] ImageConverter::Impl {
    void load(const PixelView& pixels);

    RgbConverter converter;
    FramePtr planar;                // with room behind its rows, which libswscale reads
    std::vector<std::uint8_t> rgb;  // likewise, which it writes
};

/// As three planes of even size: two planes, or an odd one, take libswscale several times as long.
void ImageConverter::Impl::load(const PixelView& pixels) {
    const int w = pixels.width, h = pixels.height, even_w = (w + 1) / 2 * 2, even_h = (h + 1) / 2 * 2;
    if (!planar || planar->width != even_w || planar->height != even_h)
        planar = new_frame(even_w, even_h, AV_PIX_FMT_YUV420P);
    planar->colorspace = pixels.matrix == ColorMatrix::bt709 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
    planar->color_range = pixels.range == ColorRange::full ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    const auto to = [&](int plane, int y) { return planar->data[plane] + std::ptrdiff_t(y) * planar->linesize[plane]; };
    for (int y = 0; y < h; ++y) std::memcpy(to(0, y), row_of(pixels, 0, y), std::size_t(w));
    for (int y = 0; y < (h + 1) / 2; ++y) {
        const std::uint8_t* from = row_of(pixels, 1, y);
        std::uint8_t *blue = to(1, y), *red = to(2, y);
        for (int x = 0; x < (w + 1) / 2; ++x) blue[x] = from[2 * x], red[x] = from[2 * x + 1];
    }
}

ImageConverter::ImageConverter() : impl_(std::make_unique<Impl>()) {}
ImageConverter::~ImageConverter() = default;
ImageConverter::ImageConverter(ImageConverter&&) noexcept = default;
ImageConverter& ImageConverter::operator=(ImageConverter&&) noexcept = default;

void ImageConverter::convert(const PixelView& pixels, Image& image) {
    if (pixels.on_device)
        throw Error(ErrorKind::usage, "a picture to be drawn on must lie in host memory; copy it from the GPU first");
    if (pixels.width <= 0 || pixels.height <= 0 || !pixels.plane[0])
        throw Error(ErrorKind::usage, "a picture to be drawn on has no pixels");
    image.width = pixels.width;
    image.height = pixels.height;
    const std::size_t row_bytes = std::size_t(image.width) * 3;
    image.rgb.resize(row_bytes * std::size_t(image.height));
    const bool nv12 = pixels.format == PixelFormat::nv12;
    const int pitch = RgbConverter::pitch(image.width + 1);
    if (nv12) {
        impl_->load(pixels);
        impl_->rgb.resize(std::size_t(pitch) * std::size_t(image.height + 1));
        if (!impl_->converter.convert(*impl_->planar, impl_->rgb.data(), pitch))
            throw Error(ErrorKind::unsupported, "this libswscale cannot convert 4:2:0 pictures to RGB");
    }
    for (int y = 0; y < image.height; ++y)
        std::memcpy(image.row(y), nv12 ? impl_->rgb.data() + std::ptrdiff_t(y) * pitch : row_of(pixels, 0, y),
                    row_bytes);
}

}  // namespace convoy::media
