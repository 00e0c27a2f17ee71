// SPDX-License-Identifier: MIT
#include "tools/report_view.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>

#include <convoy/error.h>
#include <convoy/media/draw.h>
#include <convoy/media/image_converter.h>
#include "tools/media/pictures/jpeg.h"
#include "tools/media/pictures/scale.h"

namespace convoy::tools {
namespace {

constexpr int kLongestSide = 640, kQuality = 75;

std::string small_jpeg(const Frame& frame, const InputInfo& info, const InputCharts::View& view,
                       const std::vector<int>& blurred) {
    media::Image image;
    media::ImageConverter().convert(frame.pixels, image);
    for (const Detection& d : view.detections)
        if (std::count(blurred.begin(), blurred.end(), d.class_id)) media::pixelate(image, d.box);
    const bool own_shape = frame.pixel_width > 0;
    image = media::with_square_pixels(image, own_shape ? frame.pixel_width : info.pixel_width,
                                      own_shape ? frame.pixel_height : info.pixel_height);
    const double scale = std::min(1., double(kLongestSide) / std::max(image.width, image.height));
    const auto side = [&](int pixels) { return std::max(1, int(std::lround(pixels * scale))); };
    image = media::scaled(image, side(image.width), side(image.height));
    std::vector<std::uint8_t> file;
    std::string reason;
    media::encode_jpeg(rgb_frame(image.rgb.data(), image.width, image.height).pixels, kQuality, file, reason);
    return {file.begin(), file.end()};
}

}  // namespace

std::string jpeg_of_view(const std::string& path, const media::InputOptions& options, const InputCharts::View& view,
                         const std::vector<int>& blurred) try {
    std::error_code none;
    if (!std::filesystem::is_regular_file(path, none)) return "";
    media::InputOptions to_there = options;
    to_there.every = 1;
    to_there.frames = view.index + 1;
    const std::unique_ptr<Input> input = media::open_input(path, to_there);
    const std::unique_ptr<SegmentReader> reader = input->make_reader({});
    std::int64_t number = 0;
    while (const std::shared_ptr<const Segment> segment = input->next_segment()) {
        reader->open(segment);
        while (const std::optional<Frame> frame = reader->next()) {
            if (number++ < view.index) continue;
            // Of another frame nobody knows what to make unrecognisable.
            const bool same = frame->time_s == view.pts_s || (std::isnan(frame->time_s) && std::isnan(view.pts_s));
            return same ? small_jpeg(*frame, input->info(), view, blurred) : "";
        }
    }
    return "";
} catch (const Error&) {
    return "";
}

}  // namespace convoy::tools
