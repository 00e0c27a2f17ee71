// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <convoy/media/image.h>

namespace convoy::media {

struct Color {
    std::uint8_t r = 0, g = 0, b = 0;
};

/// A picture of either kind, to paint on; it must outlive this. What lies outside of it is left out, and nothing but
/// what is painted changes. A chroma sample of NV12 takes as much of a colour as its pixels do in the mean.
class Canvas {
public:
    Canvas(Image& image) : rgb_(&image), width_(image.width), height_(image.height) {}       // NOLINT: is one
    Canvas(Nv12Image& image) : nv12_(&image), width_(image.width), height_(image.height) {}  // NOLINT: is one
    int width() const { return width_; }
    int height() const { return height_; }

    /// Paints a rectangle; opacity 255 covers what was there.
    void fill(int x, int y, int w, int h, Color color, int opacity = 255) const;
    /// Paints a line so many pixels wide, between points that may lie outside.
    void line(float x0, float y0, float x1, float y1, int width, Color color) const;
    /// Paints a rectangle, each pixel with its own opacity: `coverage` is (h, w).
    void blend(int x, int y, int w, int h, const std::uint8_t* coverage, Color color) const;

private:
    template <typename Alpha>
    void paint(int x, int y, int w, int h, const Alpha& alpha, Color color) const;

    Image* rgb_ = nullptr;  // one of the two
    Nv12Image* nv12_ = nullptr;
    int width_, height_;
};

}  // namespace convoy::media
