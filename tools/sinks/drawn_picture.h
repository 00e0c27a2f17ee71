// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>

#include <convoy/detection.h>
#include <convoy/media/draw.h>
#include <convoy/media/image.h>
#include <convoy/media/image_converter.h>

namespace convoy::tools {

/// What is drawn beside the boxes.
struct DrawOptions {
    media::LabelStyle labels = media::LabelStyle::full;
    bool latency = true;  ///< how long the frame took, in a corner
};

/// A picture that was drawn on, in the form that it came in, and in RGB for whoever needs that.
class DrawnPicture {
public:
    DrawnPicture() = default;
    /// The shape of a pixel: InputInfo's.
    DrawnPicture(int pixel_width, int pixel_height) : pixel_width_(pixel_width), pixel_height_(pixel_height) {}

    /// Draws on a copy of `pixels`, which are in host memory; the copy lasts until the next call.
    void draw(const PixelView& pixels, media::Annotator& annotator, std::span<const Detection> detections,
              const std::string& caption);
    /// Null where the picture came as RGB.
    media::Nv12Image* nv12() { return is_nv12_ ? &nv12_ : nullptr; }
    /// Made when it is first asked for.
    const media::Image& image();
    /// The same with square pixels, for files that cannot say that theirs are not.
    const media::Image& shown();
    bool has_square_pixels() const { return pixel_width_ == pixel_height_; }
    int width() const { return is_nv12_ ? nv12_.width : image_.width; }
    int height() const { return is_nv12_ ? nv12_.height : image_.height; }

private:
    int pixel_width_ = 1, pixel_height_ = 1;
    bool is_nv12_ = false, has_image_ = false, has_shown_ = false;
    media::Nv12Image nv12_;  // these keep their memory from frame to frame
    media::Image image_, shown_;
    media::ImageConverter converter_;
};

}  // namespace convoy::tools
