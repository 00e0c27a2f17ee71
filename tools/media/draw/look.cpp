// SPDX-License-Identifier: MIT
#include "tools/media/draw/look.h"

#include <algorithm>
#include <cmath>

namespace convoy::media {
namespace {

constexpr Color kBlack = {0, 0, 0}, kWhite = {255, 255, 255};

/// A coordinate as a whole number between 0 and `limit`; NaN becomes `limit`.
int pixel(float value, int limit) { return int(std::lround(std::fmax(0.f, std::fmin(value, float(limit))))); }

}  // namespace

/// Hues a golden angle apart; brightness alternates every few of them.
Color class_color(int class_id) {
    const double hue = std::fmod(class_id * 137.50776405 + 20, 360.) / 60;
    const double value = 255 * (class_id % 3 == 2 ? .78 : .98), chroma = value * .82;
    const auto channel = [&](double shift) {
        const double k = std::fmod(shift + hue, 6.);
        return std::uint8_t(std::lround(value - chroma * std::max(0., std::min({k, 4 - k, 1.}))));
    };
    return {channel(5), channel(3), channel(1)};
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

std::string label_of(const Detection& detection, const std::vector<std::string>& names) {
    return name_of(detection.class_id, names) + " " + std::to_string(std::lround(detection.confidence * 100)) + " %";
}

}  // namespace convoy::media
