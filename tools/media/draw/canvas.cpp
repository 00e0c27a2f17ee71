// SPDX-License-Identifier: MIT
#include "tools/media/draw/canvas.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace convoy::media {
namespace {

/// Inside of a picture, from the first pixel to the one behind the last.
struct Area {
    int x0, y0, x1, y1;
};

/// `over`, of which `share` of `whole` is seen, on `under`.
std::uint8_t mix(int under, int over, int share, int whole) {
    return std::uint8_t((under * (whole - share) + over * share + whole / 2) / whole);
}

struct Yuv {
    int y, cb, cr;
};

Yuv yuv_of(Color color, const Nv12Image& image) {
    const bool full = image.range == ColorRange::full, hd = image.matrix == ColorMatrix::bt709;
    const double kr = hd ? .2126 : .299, kb = hd ? .0722 : .114;
    const double luma = kr * color.r + (1 - kr - kb) * color.g + kb * color.b;
    const double to_luma = full ? 1 : 219. / 255, to_chroma = (full ? 1 : 224. / 255) / 2;
    const auto chroma = [&](double value, double k) {
        return std::clamp(int(std::lround(128 + to_chroma * (value - luma) / (1 - k))), 0, 255);
    };
    return {int(std::lround((full ? 0 : 16) + to_luma * luma)), chroma(color.b, kb), chroma(color.r, kr)};
}

template <typename Alpha>
void paint_rgb(Image& image, const Area& area, const Alpha& alpha, Color color) {
    for (int y = area.y0; y < area.y1; ++y) {
        std::uint8_t* p = image.row(y) + std::size_t(area.x0) * 3;
        for (int x = area.x0; x < area.x1; ++x, p += 3) {
            const int share = alpha(x, y);
            p[0] = mix(p[0], color.r, share, 255);
            p[1] = mix(p[1], color.g, share, 255);
            p[2] = mix(p[2], color.b, share, 255);
        }
    }
}

template <typename Alpha>
void paint_chroma(Nv12Image& image, const Area& area, const Alpha& alpha, const Yuv& color) {
    for (int row = area.y0 / 2; row < (area.y1 + 1) / 2; ++row) {
        const int height = std::min(2, image.height - 2 * row);  // of the sample's pixels
        const int top = std::max(2 * row, area.y0), bottom = std::min(2 * row + 2, area.y1);
        std::uint8_t* line = image.chroma_row(row);
        for (int column = area.x0 / 2; column < (area.x1 + 1) / 2; ++column) {
            const int left = std::max(2 * column, area.x0), right = std::min(2 * column + 2, area.x1);
            int share = 0;
            for (int y = top; y < bottom; ++y)
                for (int x = left; x < right; ++x) share += alpha(x, y);
            const int whole = 255 * height * std::min(2, image.width - 2 * column);
            line[2 * column] = mix(line[2 * column], color.cb, share, whole);
            line[2 * column + 1] = mix(line[2 * column + 1], color.cr, share, whole);
        }
    }
}

template <typename Alpha>
void paint_nv12(Nv12Image& image, const Area& area, const Alpha& alpha, Color color) {
    const Yuv over = yuv_of(color, image);
    for (int y = area.y0; y < area.y1; ++y)
        for (int x = area.x0; x < area.x1; ++x)
            image.luma_row(y)[x] = mix(image.luma_row(y)[x], over.y, alpha(x, y), 255);
    paint_chroma(image, area, alpha, over);
}

}  // namespace

template <typename Alpha>
void Canvas::paint(int x, int y, int w, int h, const Alpha& alpha, Color color) const {
    const Area area{std::max(x, 0), std::max(y, 0), std::min(x + w, width_), std::min(y + h, height_)};
    if (area.x0 >= area.x1 || area.y0 >= area.y1) return;
    if (rgb_)
        paint_rgb(*rgb_, area, alpha, color);
    else
        paint_nv12(*nv12_, area, alpha, color);
}

void Canvas::fill(int x, int y, int w, int h, Color color, int opacity) const {
    paint(
        x, y, w, h, [opacity](int, int) { return opacity; }, color);
}

void Canvas::line(float x0, float y0, float x1, float y1, int width, Color color) const {
    const auto far = [](float value) { return !(std::fabs(value) < 1e7f); };
    if (far(x0) || far(y0) || far(x1) || far(y1)) return;
    const int half = width / 2;
    const float dx = x1 - x0, dy = y1 - y0;
    // Along the longer side, only where it may be seen.
    const bool flat = std::fabs(dx) >= std::fabs(dy);
    const float from = flat ? x0 : y0, length = flat ? dx : dy, slope = length != 0 ? (flat ? dy : dx) / length : 0;
    const int first = int(std::lround(std::max(std::min(from, from + length), -float(width))));
    const int last =
        int(std::lround(std::min(std::max(from, from + length), float((flat ? width_ : height_) + width))));
    for (int at = first; at <= last; ++at) {
        const int across = int(std::lround((flat ? y0 : x0) + slope * (float(at) - from))) - half;
        if (flat)
            fill(at, across, 1, width, color);
        else
            fill(across, at, width, 1, color);
    }
}

void Canvas::blend(int x, int y, int w, int h, const std::uint8_t* coverage, Color color) const {
    paint(
        x, y, w, h, [=](int column, int row) { return int(coverage[std::ptrdiff_t(row - y) * w + (column - x)]); },
        color);
}

}  // namespace convoy::media
