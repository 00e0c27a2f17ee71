// SPDX-License-Identifier: MIT
#include "tools/media/draw/look.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace convoy::media {
namespace {

constexpr Color kBlack = {0, 0, 0}, kWhite = {255, 255, 255};

/// A coordinate as a whole number between 0 and `limit`; NaN becomes `limit`.
int pixel(float value, int limit) { return int(std::lround(std::fmax(0.f, std::fmin(value, float(limit))))); }

}  // namespace

// Each of these was taken from a grid of hues as the one that differs most from those before it, in CIE Lab; those of
// classes 0 to 8 by 52 at least.
Color class_color(int class_id) {
    static constexpr Color kColors[] = {{255, 112, 31},  {134, 13, 255},  {13, 255, 13},  {13, 215, 255},
                                        {255, 140, 217}, {181, 204, 112}, {13, 134, 255}, {255, 194, 13},
                                        {255, 13, 94},   {158, 105, 87},  {255, 13, 215}, {8, 158, 8},
                                        {8, 158, 121},   {87, 117, 158},  {144, 61, 204}, {158, 121, 8},
                                        {255, 198, 140}, {204, 10, 123},  {140, 87, 158}, {188, 204, 10}};
    static constexpr double kBrightness[] = {1, .8, .64, .5};  // of the next ones
    const auto id = unsigned(class_id), count = unsigned(std::size(kColors));
    const Color color = kColors[id % count];
    const double brightness = kBrightness[id / count % std::size(kBrightness)];
    const auto channel = [&](int value) { return std::uint8_t(std::lround(brightness * value)); };
    return {channel(color.r), channel(color.g), channel(color.b)};
}

Color text_color(Color background) {
    const double luminance = .299 * background.r + .587 * background.g + .114 * background.b;
    return luminance > 140 ? kBlack : kWhite;
}

Measures::Measures(int width, int height) {
    const int side = std::min(width, height);
    line = std::max(2, (side + 150) / 300);
    text = std::clamp(side / 36, 12, 96);
    padding = std::max(2, text / 5);
}

PixelRect pixel_rect(const Box& box, int width, int height) {
    const int x0 = pixel(box.x, width), y0 = pixel(box.y, height);
    return {x0, y0, pixel(box.x + box.w, width) - x0, pixel(box.y + box.h, height) - y0};
}

std::string name_of(int class_id, const std::vector<std::string>& names) {
    const auto id = std::size_t(class_id);
    return id < names.size() ? names[id] : std::to_string(class_id);
}

std::string name_of(const Detection& detection, const std::vector<std::string>& names) {
    const std::string name = name_of(detection.class_id, names);
    return detection.track > 0 ? name + " #" + std::to_string(detection.track) : name;
}

std::string label_of(const Detection& detection, const std::vector<std::string>& names) {
    if (!std::isfinite(detection.confidence)) return name_of(detection, names);
    return name_of(detection, names) + " " + std::to_string(std::lround(detection.confidence * 100)) + " %";
}

}  // namespace convoy::media
