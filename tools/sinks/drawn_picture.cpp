// SPDX-License-Identifier: MIT
#include "tools/sinks/drawn_picture.h"

#include <utility>

namespace convoy::tools {

void DrawnPicture::draw(const PixelView& pixels, media::Annotator& annotator, std::span<const Detection> detections,
                        const std::string& caption) {
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
    if (has_square_pixels()) return image();
    if (!std::exchange(has_shown_, true)) shown_ = media::with_square_pixels(image(), pixel_width_, pixel_height_);
    return shown_;
}

}  // namespace convoy::tools
