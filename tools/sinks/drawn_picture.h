// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <convoy/detection.h>
#include <convoy/media/draw.h>
#include <convoy/media/image.h>
#include <convoy/media/image_converter.h>
#include "tools/analysis/zones_file.h"

namespace convoy::tools {

/// What is drawn beside the boxes.
struct DrawOptions {
    media::LabelStyle labels = media::LabelStyle::full;
    bool latency = true;                                ///< how long the frame took, in a corner
    std::vector<int> blurred = {};                      ///< classes whose boxes are made unrecognisable
    std::shared_ptr<const analysis::Zones> zones = {};  ///< with their counts; may be null
};

/// A picture that was drawn on, in the form that it came in, and in RGB for whoever needs that.
class DrawnPicture {
public:
    DrawnPicture() = default;
    /// The shape of a pixel where a frame has none of its own: InputInfo's.
    DrawnPicture(int pixel_width, int pixel_height) : usual_shape_{pixel_width, pixel_height} {}

    /// A copy of the frame's pixels, which are in host memory; it lasts until the next call.
    void take(const Frame& frame);
    /// The same, with what was found drawn on it.
    void draw(const Result& result, media::Annotator& annotator, const DrawOptions& options);
    /// Null where the picture came as RGB.
    media::Nv12Image* nv12() { return is_nv12_ ? &nv12_ : nullptr; }
    /// Made when it is first asked for.
    const media::Image& image();
    /// The same with square pixels, for files that cannot say that theirs are not.
    const media::Image& shown();
    /// How wide a pixel is shown against how high.
    double pixel_shape() const { return double(shape_.width) / shape_.height; }
    bool has_pixels_of(int width, int height) const {
        return std::int64_t(shape_.width) * height == std::int64_t(shape_.height) * width;
    }
    int width() const { return is_nv12_ ? nv12_.width : image_.width; }
    int height() const { return is_nv12_ ? nv12_.height : image_.height; }

private:
    struct PixelShape {
        int width = 1, height = 1;
    };

    PixelShape usual_shape_, shape_;
    bool is_nv12_ = false, has_image_ = false, has_shown_ = false;
    media::Nv12Image nv12_;  // these keep their memory from frame to frame
    media::Image image_, shown_;
    media::ImageConverter converter_;
};

}  // namespace convoy::tools
