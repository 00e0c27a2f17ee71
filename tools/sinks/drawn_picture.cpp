// SPDX-License-Identifier: MIT
#include "tools/sinks/drawn_picture.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <utility>

#include "tools/sinks/zone_counts.h"

namespace convoy::tools {

void DrawnPicture::take(const Frame& frame) {
    shape_ = frame.pixel_width > 0 ? PixelShape{frame.pixel_width, frame.pixel_height} : usual_shape_;
    is_nv12_ = frame.pixels.format == PixelFormat::nv12;
    has_image_ = !is_nv12_;
    has_shown_ = false;
    if (is_nv12_)
        copy_nv12(frame.pixels, nv12_);
    else
        converter_.convert(frame.pixels, image_);
}

void DrawnPicture::draw(const Result& result, media::Annotator& annotator, const DrawOptions& options) {
    take(result.frame);
    const std::string caption = options.latency ? fmt::format("{:.1f} ms", result.latency_ms) : "";
    std::vector<media::Outline> outlines;
    if (options.zones) outlines = zone_outlines(*options.zones, result);
    const auto draw_on = [&](auto& image) {
        for (const Detection& d : result.detections)
            if (std::find(options.blurred.begin(), options.blurred.end(), d.class_id) != options.blurred.end())
                media::pixelate(image, d.box);
        annotator.annotate(image, result.detections, caption, outlines);
    };
    is_nv12_ ? draw_on(nv12_) : draw_on(image_);
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
