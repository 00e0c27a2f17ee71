// SPDX-License-Identifier: MIT
#include <convoy/media/draw.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <convoy/error.h>
#include "tools/media/draw/font.h"

namespace convoy::media {
namespace {

constexpr Color kBlack = {0, 0, 0}, kWhite = {255, 255, 255};

/// Hues a golden angle apart, so that neighbouring class ids differ most; brightness alternates every few of them.
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

/// A coordinate as a whole number between 0 and `limit`; NaN becomes `limit`.
int pixel(float value, int limit) { return int(std::lround(std::fmax(0.f, std::fmin(value, float(limit))))); }

/// What a picture's size asks for.
struct Measures {
    explicit Measures(const Image& image) {
        const int side = std::min(image.width, image.height);
        line = std::max(2, (side + 150) / 300);
        text = std::clamp(side / 36, 12, 96);
        padding = std::max(2, text / 5);
    }
    int line, text, padding;
};

struct Rect {
    int x, y, w, h;
};

Rect rect_of(const Box& box, const Image& image) {
    const int x0 = pixel(box.x, image.width), y0 = pixel(box.y, image.height);
    return {x0, y0, pixel(box.x + box.w, image.width) - x0, pixel(box.y + box.h, image.height) - y0};
}

void draw_box(Image& image, const Rect& r, int line, Color color) {
    const int vertical = std::min(line, r.h), horizontal = std::min(line, r.w);
    fill_rect(image, r.x, r.y, r.w, vertical, color);
    fill_rect(image, r.x, r.y + r.h - vertical, r.w, vertical, color);
    fill_rect(image, r.x, r.y, horizontal, r.h, color);
    fill_rect(image, r.x + r.w - horizontal, r.y, horizontal, r.h, color);
}

/// Above the box where there is room, else inside its upper edge; below the caption in the top left corner.
void draw_label(Image& image, const Rect& r, const Rect& caption, const Measures& m, Font& font,
                const std::string& text, Color color) {
    const int w = font.width(text) + 2 * m.padding, h = m.text + m.padding;
    const int x = std::max(0, std::min(r.x, image.width - w));
    int y = r.y >= h ? r.y - h : std::max(0, std::min(r.y, image.height - h));
    if (x < caption.w && y < caption.h && caption.h + h <= image.height) y = caption.h;
    fill_rect(image, x, y, w, h, color);
    font.draw(image, x + m.padding, y + m.padding / 2, text, text_color(color));
}

}  // namespace

Annotator::Annotator(std::vector<std::string> names) : names_(std::move(names)), fonts_(std::make_unique<Fonts>()) {}
Annotator::~Annotator() = default;
Annotator::Annotator(Annotator&&) noexcept = default;
Annotator& Annotator::operator=(Annotator&&) noexcept = default;

void Annotator::annotate(Image& image, std::span<const Detection> detections, const std::string& caption) {
    if (!image.is_whole())
        throw Error(ErrorKind::usage, "a picture to be drawn on does not have the pixels of its size");
    const Measures m(image);
    Font& font = fonts_->of_height(m.text);
    Rect corner = {};  // the caption's
    if (!caption.empty()) corner = {0, 0, font.width(caption) + 4 * m.padding, m.text + 2 * m.padding};
    for (const Detection& d : detections) draw_box(image, rect_of(d.box, image), m.line, class_color(d.class_id));
    for (const Detection& d : detections) {  // after all boxes, so that no line crosses a label
        const std::size_t id = std::size_t(d.class_id);
        const std::string name = id < names_.size() ? names_[id] : std::to_string(d.class_id);
        const std::string text = name + " " + std::to_string(std::lround(d.confidence * 100)) + " %";
        draw_label(image, rect_of(d.box, image), corner, m, font, text, class_color(d.class_id));
    }
    fill_rect(image, 0, 0, corner.w, corner.h, kBlack, 160);
    font.draw(image, 2 * m.padding, m.padding, caption, kWhite);
}

}  // namespace convoy::media
