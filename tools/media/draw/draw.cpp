// SPDX-License-Identifier: MIT
#include <convoy/media/draw.h>

#include <algorithm>
#include <utility>

#include <convoy/error.h>
#include "tools/media/draw/font.h"
#include "tools/media/draw/labels.h"
#include "tools/media/draw/look.h"

namespace convoy::media {
namespace {

constexpr Color kOutline{255, 255, 255};

void draw_box(const Canvas& canvas, const PixelRect& r, int line, Color color) {
    const int vertical = std::min(line, r.h), horizontal = std::min(line, r.w);
    canvas.fill(r.x, r.y, r.w, vertical, color);
    canvas.fill(r.x, r.y + r.h - vertical, r.w, vertical, color);
    canvas.fill(r.x, r.y, horizontal, r.h, color);
    canvas.fill(r.x + r.w - horizontal, r.y, horizontal, r.h, color);
}

void draw_lines(const Canvas& canvas, const Outline& outline, int width) {
    const std::size_t count = outline.points.size();
    for (std::size_t i = 0; i + (outline.closed ? 0 : 1) < count; ++i) {
        const Outline::Point &from = outline.points[i], &to = outline.points[(i + 1) % count];
        canvas.line(from.x, from.y, to.x, to.y, width, kOutline);
    }
}

void require_whole(bool is_whole) {
    if (!is_whole) throw Error(ErrorKind::usage, "a picture to be drawn on does not have the pixels of its size");
}

}  // namespace

Annotator::Annotator(std::vector<std::string> names, LabelStyle labels)
    : names_(std::move(names)), labels_(labels), fonts_(std::make_unique<Fonts>()) {}
Annotator::~Annotator() = default;
Annotator::Annotator(Annotator&&) noexcept = default;
Annotator& Annotator::operator=(Annotator&&) noexcept = default;

void Annotator::annotate(Image& image, std::span<const Detection> detections, const std::string& caption,
                         std::span<const Outline> outlines) {
    require_whole(image.is_whole());
    draw(image, detections, caption, outlines);
}

void Annotator::annotate(Nv12Image& image, std::span<const Detection> detections, const std::string& caption,
                         std::span<const Outline> outlines) {
    require_whole(image.is_whole());
    draw(image, detections, caption, outlines);
}

void Annotator::draw(const Canvas& canvas, std::span<const Detection> detections, const std::string& caption,
                     std::span<const Outline> outlines) {
    const Measures m(canvas.width(), canvas.height());
    Font& font = fonts_->of_height(m.text);
    PixelRect corner = {};  // the caption's
    if (!caption.empty()) corner = {0, 0, font.width(caption) + 4 * m.padding, m.text + 2 * m.padding};
    for (const Outline& outline : outlines) draw_lines(canvas, outline, m.line);
    for (const Outline& outline : outlines) {
        if (outline.label.empty() || outline.points.empty()) continue;
        const int w = font.width(outline.label) + 2 * m.padding, h = m.text + m.padding;
        const PixelRect first =
            pixel_rect({outline.points[0].x, outline.points[0].y, 0, 0}, canvas.width(), canvas.height());
        const int x = std::max(0, std::min(first.x, canvas.width() - w)),
                  y = std::max(0, std::min(first.y, canvas.height() - h));
        canvas.fill(x, y, w, h, kOutline);
        font.draw(canvas, x + m.padding, y + m.padding / 2, outline.label, text_color(kOutline));
    }
    for (const Detection& d : detections)
        draw_box(canvas, pixel_rect(d.box, canvas.width(), canvas.height()), m.line, class_color(d.class_id));
    const LabelLayout layout = {
        canvas.width(), canvas.height(), m.text + m.padding,
        m.padding,      corner,          [&](const std::string& text) { return font.width(text); }};
    const std::vector<PlacedLabel> labels = place_labels(detections, names_, labels_, layout);
    for (std::size_t i = 0; i < labels.size(); ++i) {  // after all boxes, so that no line crosses a label
        const PixelRect& at = labels[i].place;
        const Color color = class_color(detections[i].class_id);
        canvas.fill(at.x, at.y, at.w, at.h, color);
        font.draw(canvas, at.x + m.padding, at.y + m.padding / 2, labels[i].text, text_color(color));
    }
    canvas.fill(0, 0, corner.w, corner.h, Color{0, 0, 0}, 160);
    font.draw(canvas, 2 * m.padding, m.padding, caption, Color{255, 255, 255});
}

}  // namespace convoy::media
