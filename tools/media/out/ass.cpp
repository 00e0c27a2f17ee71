// SPDX-License-Identifier: MIT
#include "tools/media/out/ass.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "tools/media/draw/labels.h"

namespace convoy::media {
namespace {

constexpr const char* kOther = "other";
constexpr const char* kZone = "zone";
constexpr Color kZoneColor{255, 255, 255};
constexpr const char* kFont = "DejaVu Sans";  // or what the player has in its place
constexpr double kCharacterWidth = .62;       // of a text's height: a guess, as only the player knows its font

/// Without what has a meaning in an event or a style.
std::string plain(std::string text) {
    for (char& c : text) c = c == '{' ? '(' : c == '}' ? ')' : c == '\\' ? '/' : c == '\n' || c == '\r' ? ' ' : c;
    return text;
}

std::string hex(Color color) {
    static constexpr const char* digits = "0123456789ABCDEF";
    std::string text = "&H00";  // opaque
    for (const int byte : {color.b, color.g, color.r}) text += {digits[byte / 16], digits[byte % 16]};
    return text;
}

/// The line of a style; `frame`: how far its opaque frame goes beyond a text, 0 for none.
std::string style(const std::string& name, Color color, Color frame_color, int size, int frame, int alignment) {
    const std::string primary = hex(color), outline = hex(frame_color);
    return "Style: " + name + ',' + kFont + ',' + std::to_string(size) + ',' + primary + ',' + primary + ',' + outline +
           ',' + outline + ",-1,0,0,0,100,100,0,0," + (frame > 0 ? "3," : "1,") + std::to_string(frame) + ",0," +
           std::to_string(alignment) + ",0,0,0,1\n";
}

std::string point(int x, int y) { return std::to_string(x) + ' ' + std::to_string(y); }

/// A rectangle's line: the outer edge one way round, the inner one the other.
std::string frame_path(const PixelRect& r, int line) {
    const int x = r.x + r.w, y = r.y + r.h, across = std::min(line, r.w / 2), down = std::min(line, r.h / 2);
    std::string path = "m " + point(r.x, r.y) + " l " + point(x, r.y) + ' ' + point(x, y) + ' ' + point(r.x, y);
    if (2 * across < r.w && 2 * down < r.h)
        path += " m " + point(r.x + across, r.y + down) + " l " + point(r.x + across, y - down) + ' ' +
                point(x - across, y - down) + ' ' + point(x - across, r.y + down);
    return path + ' ';
}

/// A line as wide as it is drawn, the shape of a plank; what lies beyond the picture is left out.
std::string plank(Outline::Point a, Outline::Point b, float width, const PixelRect& picture) {
    const float dx = b.x - a.x, dy = b.y - a.y, length = std::hypot(dx, dy);
    float from = 0, to = 1;
    const auto keep = [&](float at, float step, float least, float most) {
        if (step == 0) return void(at < least || at > most ? from = 2 : 0);
        const float first = (least - at) / step, second = (most - at) / step;
        from = std::max(from, std::min(first, second));
        to = std::min(to, std::max(first, second));
    };
    keep(a.x, dx, 0, float(picture.w));
    keep(a.y, dy, 0, float(picture.h));
    if (!(length > 0) || from >= to) return "";
    const float across = width / 2 * -dy / length, down = width / 2 * dx / length;
    const auto corner = [&](float share, float side) {
        return point(std::clamp(int(std::lround(a.x + share * dx + side * across)), 0, picture.w),
                     std::clamp(int(std::lround(a.y + share * dy + side * down)), 0, picture.h));
    };
    return "m " + corner(from, 1) + " l " + corner(to, 1) + ' ' + corner(to, -1) + ' ' + corner(from, -1) + ' ';
}

std::string outline_path(const Outline& outline, float width, const PixelRect& picture) {
    const std::vector<Outline::Point>& points = outline.points;
    std::string path;
    for (std::size_t i = 0; i + (outline.closed ? 0 : 1) < points.size(); ++i)
        path += plank(points[i], points[(i + 1) % points.size()], width, picture);
    return path;
}

std::size_t characters(const std::string& utf8) {
    return std::size_t(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

/// At the corner of its place that matters, whatever the player's font is.
std::string position_of(const PlacedLabel& label, int padding) {
    const PixelRect& at = label.place;
    const int x = label.right ? at.x + at.w - padding : at.x + padding;
    const int y = label.bottom ? at.y + at.h - padding : at.y + padding;
    const int alignment = label.bottom ? (label.right ? 3 : 1) : (label.right ? 9 : 7);
    return "{\\an" + std::to_string(alignment) + "\\pos(" + std::to_string(x) + ',' + std::to_string(y) + ")}";
}

}  // namespace

AssScript::AssScript(std::vector<std::string> names, int width, int height, LabelStyle labels)
    : names_(std::move(names)), width_(width), height_(height), labels_(labels) {
    for (const std::string& name : names_) {
        std::string style = plain(name);
        std::replace(style.begin(), style.end(), ',', ' ');
        styles_.push_back(style.empty() ? kOther : std::move(style));
    }
}

std::string AssScript::header() const {
    const Measures m(width_, height_);
    std::string text = "[Script Info]\nScriptType: v4.00+\nTitle: boxes\nPlayResX: " + std::to_string(width_) +
                       "\nPlayResY: " + std::to_string(height_) +
                       "\nWrapStyle: 2\nScaledBorderAndShadow: yes\nYCbCr Matrix: None\n\n[V4+ Styles]\n"
                       "Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, "
                       "Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, "
                       "Shadow, Alignment, MarginL, MarginR, MarginV, Encoding\n";
    const auto add = [&](const std::string& name, Color color) {
        text += style(name, color, color, m.text, 0, 7);
        text += style(name + " label", text_color(color), color, m.text, std::max(1, m.padding / 2), 1);
    };
    for (std::size_t id = 0; id < styles_.size(); ++id) add(styles_[id], class_color(int(id)));
    if (std::find(styles_.begin(), styles_.end(), kOther) == styles_.end()) add(kOther, {255, 255, 255});
    if (std::find(styles_.begin(), styles_.end(), kZone) == styles_.end()) add(kZone, kZoneColor);
    return text + "\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n";
}

std::string AssScript::style_of(int class_id) const {
    const auto id = std::size_t(class_id);
    return id < styles_.size() ? styles_[id] : kOther;
}

void AssScript::add_outlines(std::span<const Outline> outlines, float across, float down, const AddEvent& add) const {
    const Measures m(width_, height_);
    const PixelRect picture = {0, 0, width_, height_};
    std::vector<Outline> scaled(outlines.begin(), outlines.end());
    std::string path;
    for (Outline& outline : scaled) {
        for (Outline::Point& p : outline.points) p = {p.x * across, p.y * down};
        path += outline_path(outline, float(m.line), picture);
    }
    const std::string drawing = "{\\an7\\pos(0,0)\\p1}";
    if (!path.empty()) add(0, kZone, drawing + path + "{\\p0}");
    for (const Outline& outline : scaled) {
        if (outline.label.empty() || outline.points.empty()) continue;
        const PixelRect at = pixel_rect({outline.points[0].x, outline.points[0].y, 0, 0}, width_, height_);
        const int padding = std::max(1, m.padding / 2),
                  text = int(kCharacterWidth * m.text * double(characters(outline.label)));
        const int x = std::clamp(at.x + padding, padding, std::max(padding, width_ - text - padding)),
                  y = std::clamp(at.y + padding, padding, std::max(padding, height_ - m.text - padding));
        add(0, std::string(kZone) + " label",
            "{\\an7\\pos(" + std::to_string(x) + ',' + std::to_string(y) + ")}" + plain(outline.label));
    }
}

std::vector<std::string> AssScript::events(std::span<const Detection> detections, int width, int height,
                                           int& read_order, std::span<const Outline> outlines) const {
    const Measures m(width_, height_);
    const float across = float(width_) / float(width), down = float(height_) / float(height);
    std::vector<Detection> scaled(detections.begin(), detections.end());
    for (Detection& d : scaled) d.box = {d.box.x * across, d.box.y * down, d.box.w * across, d.box.h * down};
    std::map<int, std::string> paths;  // by class
    for (const Detection& d : scaled) paths[d.class_id] += frame_path(pixel_rect(d.box, width_, height_), m.line);
    std::vector<std::string> events;
    const auto add = [&](int layer, const std::string& style, const std::string& text) {
        events.push_back(std::to_string(read_order++) + ',' + std::to_string(layer) + ',' + style + ",,0,0,0,," + text);
    };
    add_outlines(outlines, across, down, add);
    for (const auto& [id, path] : paths) add(0, style_of(id), "{\\an7\\pos(0,0)\\p1}" + path + "{\\p0}");
    const int padding = std::max(1, m.padding / 2);
    const auto width_of = [&](const std::string& text) {
        return int(kCharacterWidth * m.text * double(characters(text)));
    };
    const std::vector<PlacedLabel> labels =
        place_labels(scaled, names_, labels_, {width_, height_, m.text + 2 * padding, padding, {}, width_of});
    for (std::size_t i = 0; i < labels.size(); ++i)
        add(1, style_of(scaled[i].class_id) + " label", position_of(labels[i], padding) + plain(labels[i].text));
    return events;
}

}  // namespace convoy::media
