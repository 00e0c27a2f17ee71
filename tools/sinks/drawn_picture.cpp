// SPDX-License-Identifier: MIT
#include "tools/sinks/drawn_picture.h"

#include <utility>

namespace convoy::tools {

void DrawnPicture::draw(const Frame& frame, media::Annotator& annotator, std::span<const Detection> detections,
                        const std::string& caption) {
    const PixelView& pixels = frame.pixels;
    shape_ = frame.pixel_width > 0 ? PixelShape{frame.pixel_width, frame.pixel_height} : usual_shape_;
    is_nv12_ = pixels.format == PixelFormat::nv12;
    has_image_ = !is_nv12_;
    has_shown_ = false;
    if (is_nv12_) {
        copy_nv12(pixels, nv12_);
        annotator.annotate(nv12_, detections, caption);
    } else {
        converter_.convert(pixels, image_);
        annotator.annotate(image_, detections, caption);
    }
}

const media::Image& DrawnPicture::image() {
    if (!std::exchange(has_image_, true)) converter_.convert(nv12_.view(), image_);
    return image_;
}

const media::Image& DrawnPicture::shown() {
    if (has_pixels_of(1, 1)) return image();
    if (!std::exchange(has_shown_, true)) shown_ = media::with_square_pixels(image(), shape_.width, shape_.height);
    return shown_;
}

}  // namespace convoy::tools
