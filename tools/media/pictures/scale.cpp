// SPDX-License-Identifier: MIT
#include "tools/media/pictures/scale.h"

#include <algorithm>
#include <cmath>
#include <new>

extern "C" {
#include <libavutil/imgutils.h>
}

#include <convoy/error.h>
#include "tools/media/av_handles.h"
#include "tools/media/pictures/rgb_frame.h"

namespace convoy::media {

Image scaled(const Image& image, int width, int height) {
    Image out{width, height, {}};
    const ScalerPtr scaler(sws_getContext(image.width, image.height, AV_PIX_FMT_RGB24, out.width, out.height,
                                          AV_PIX_FMT_RGB24, SWS_AREA, nullptr, nullptr, nullptr));
    if (!scaler) throw std::bad_alloc();
    const FramePtr from = new_frame(image.width, image.height, AV_PIX_FMT_RGB24);
    const FramePtr to = new_frame(out.width, out.height, AV_PIX_FMT_RGB24);
    copy_repeating_edges(image, *from);
    sws_scale(scaler.get(), from->data, from->linesize, 0, image.height, to->data, to->linesize);
    out.rgb.resize(std::size_t(out.width) * std::size_t(out.height) * 3);
    for (int y = 0; y < out.height; ++y)
        std::copy_n(to->data[0] + std::ptrdiff_t(y) * to->linesize[0], out.width * 3, out.row(y));
    return out;
}

Nv12Image scaled(const Nv12Image& image, int width, int height) {
    Nv12Image out{width, height, image.matrix, image.range, {}};
    const ScalerPtr scaler(sws_getContext(image.width, image.height, AV_PIX_FMT_NV12, width, height, AV_PIX_FMT_NV12,
                                          SWS_AREA, nullptr, nullptr, nullptr));
    if (!scaler) throw std::bad_alloc();
    const FramePtr from = new_frame(image.width, image.height, AV_PIX_FMT_NV12);
    const FramePtr to = new_frame(width, height, AV_PIX_FMT_NV12);
    const PixelView view = image.view();
    av_image_copy_plane(from->data[0], from->linesize[0], view.plane[0], view.pitch[0], image.width, image.height);
    av_image_copy_plane(from->data[1], from->linesize[1], view.plane[1], view.pitch[1], image.pitch(),
                        image.chroma_rows());
    sws_scale(scaler.get(), from->data, from->linesize, 0, image.height, to->data, to->linesize);
    out.bytes.resize(std::size_t(out.pitch()) * std::size_t(height + out.chroma_rows()));
    av_image_copy_plane(out.luma_row(0), out.pitch(), to->data[0], to->linesize[0], width, height);
    av_image_copy_plane(out.chroma_row(0), out.pitch(), to->data[1], to->linesize[1], out.pitch(), out.chroma_rows());
    return out;
}

Image with_square_pixels(const Image& image, int pixel_width, int pixel_height) {
    if (!image.is_whole() || pixel_width <= 0 || pixel_height <= 0)
        throw Error(ErrorKind::usage, "with_square_pixels: no picture, or pixels of no size");
    if (pixel_width == pixel_height) return image;
    constexpr double kLongestSide = 16384;
    const double shape = double(pixel_width) / pixel_height;
    const double width = image.width * std::max(shape, 1.), height = image.height * std::max(1 / shape, 1.);
    const double fit = std::min(1., kLongestSide / std::max(width, height));
    return scaled(image, std::max(1, int(std::lround(width * fit))), std::max(1, int(std::lround(height * fit))));
}

Image letterboxed(const Image& image, double pixel_shape, int width, int height) {
    const double shown_width = image.width * pixel_shape;
    const double scale = std::min(width / shown_width, double(height) / image.height);
    const auto side = [&](double pixels, int most) { return std::clamp(int(std::lround(pixels * scale)), 1, most); };
    const Image inside = scaled(image, side(shown_width, width), side(image.height, height));
    Image out{width, height, std::vector<std::uint8_t>(std::size_t(width) * std::size_t(height) * 3)};
    const int left = (width - inside.width) / 2, top = (height - inside.height) / 2;
    for (int y = 0; y < inside.height; ++y) std::copy_n(inside.row(y), 3 * inside.width, out.row(top + y) + 3 * left);
    return out;
}

}  // namespace convoy::media
