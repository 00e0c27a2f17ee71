// SPDX-License-Identifier: MIT
#include <convoy/media/draw.h>

#include <algorithm>
#include <utility>

#include <convoy/error.h>
#include "tools/media/draw/font.h"
#include "tools/media/draw/look.h"

namespace convoy::media {
namespace {

void draw_box(const Canvas& canvas, const PixelRect& r, int line, Color color) {
    const int vertical = std::min(line, r.h), horizontal = std::min(line, r.w);
    canvas.fill(r.x, r.y, r.w, vertical, color);
    canvas.fill(r.x, r.y + r.h - vertical, r.w, vertical, color);
    canvas.fill(r.x, r.y, horizontal, r.h, color);
    canvas.fill(r.x + r.w - horizontal, r.y, horizontal, r.h, color);
}

/// Above the box where there is room, else inside its upper edge; below the caption in the top left corner.
void draw_label(const Canvas& canvas, const PixelRect& r, const PixelRect& caption, const Measures& m, Font& font,
                const std::string& text, Color color) {
    const int w = font.width(text) + 2 * m.padding, h = m.text + m.padding;
    const int x = std::max(0, std::min(r.x, canvas.width() - w));
    int y = r.y >= h ? r.y - h : std::max(0, std::min(r.y, canvas.height() - h));
    if (x < caption.w && y < caption.h && caption.h + h <= canvas.height()) y = caption.h;
    canvas.fill(x, y, w, h, color);
    font.draw(canvas, x + m.padding, y + m.padding / 2, text, text_color(color));
}

void require_whole(bool is_whole) {
    if (!is_whole) throw Error(ErrorKind::usage, "a picture to be drawn on does not have the pixels of its size");
}

}  // namespace

Annotator::Annotator(std::vector<std::string> names) : names_(std::move(names)), fonts_(std::make_unique<Fonts>()) {}
Annotator::~Annotator() = default;
Annotator::Annotator(Annotator&&) noexcept = default;
Annotator& Annotator::operator=(Annotator&&) noexcept = default;

void Annotator::annotate(Image& image, std::span<const Detection> detections, const std::string& caption) {
    require_whole(image.is_whole());
    draw(image, detections, caption);
}

void Annotator::annotate(Nv12Image& image, std::span<const Detection> detections, const std::string& caption) {
    require_whole(image.is_whole());
    draw(image, detections, caption);
}

void Annotator::draw(const Canvas& canvas, std::span<const Detection> detections, const std::string& caption) {
    const Measures m(canvas.width(), canvas.height());
    Font& font = fonts_->of_height(m.text);
    PixelRect corner = {};  // the caption's
    if (!caption.empty()) corner = {0, 0, font.width(caption) + 4 * m.padding, m.text + 2 * m.padding};
    for (const Detection& d : detections)
        draw_box(canvas, pixel_rect(d.box, canvas.width(), canvas.height()), m.line, class_color(d.class_id));
    for (const Detection& d : detections) {  // after all boxes, so that no line crosses a label
        const PixelRect box = pixel_rect(d.box, canvas.width(), canvas.height());
        draw_label(canvas, box, corner, m, font, label_of(d, names_), class_color(d.class_id));
    }
    canvas.fill(0, 0, corner.w, corner.h, Color{0, 0, 0}, 160);
    font.draw(canvas, 2 * m.padding, m.padding, caption, Color{255, 255, 255});
}

}  // namespace convoy::media
