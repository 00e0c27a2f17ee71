// SPDX-License-Identifier: MIT
#include <convoy/media/draw.h>

#include <algorithm>
#include <utility>

#include <convoy/error.h>
#include "tools/media/draw/font.h"
#include "tools/media/draw/look.h"

namespace convoy::media {
namespace {

void draw_box(Image& image, const PixelRect& r, int line, Color color) {
    const int vertical = std::min(line, r.h), horizontal = std::min(line, r.w);
    fill_rect(image, r.x, r.y, r.w, vertical, color);
    fill_rect(image, r.x, r.y + r.h - vertical, r.w, vertical, color);
    fill_rect(image, r.x, r.y, horizontal, r.h, color);
    fill_rect(image, r.x + r.w - horizontal, r.y, horizontal, r.h, color);
}

/// Above the box where there is room, else inside its upper edge; below the caption in the top left corner.
void draw_label(Image& image, const PixelRect& r, const PixelRect& caption, const Measures& m, Font& font,
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
    const Measures m(image.width, image.height);
    Font& font = fonts_->of_height(m.text);
    PixelRect corner = {};  // the caption's
    if (!caption.empty()) corner = {0, 0, font.width(caption) + 4 * m.padding, m.text + 2 * m.padding};
    for (const Detection& d : detections)
        draw_box(image, pixel_rect(d.box, image.width, image.height), m.line, class_color(d.class_id));
    for (const Detection& d : detections) {  // after all boxes, so that no line crosses a label
        const PixelRect box = pixel_rect(d.box, image.width, image.height);
        draw_label(image, box, corner, m, font, label_of(d, names_), class_color(d.class_id));
    }
    fill_rect(image, 0, 0, corner.w, corner.h, Color{0, 0, 0}, 160);
    font.draw(image, 2 * m.padding, m.padding, caption, Color{255, 255, 255});
}

}  // namespace convoy::media
