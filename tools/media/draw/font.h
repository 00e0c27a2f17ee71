// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "tools/media/draw/canvas.h"

namespace convoy::media {

/// DejaVu Sans Bold, which is part of the binary, at one size. Draws each glyph's outline once and keeps it.
class Font {
public:
    /// `height` is that of a line, in pixels.
    explicit Font(int height);
    ~Font();
    Font(Font&&) noexcept;
    Font& operator=(Font&&) noexcept;

    int height() const;
    /// Pixels that a line of UTF-8 text takes.
    int width(std::string_view text);
    /// Draws a line of UTF-8 text; (x, y) is the top left corner. What lies outside the picture is left out.
    void draw(const Canvas& canvas, int x, int y, std::string_view text, Color color);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// The fonts in use, by size.
class Fonts {
public:
    Font& of_height(int height);

private:
    std::vector<Font> fonts_;
};

}  // namespace convoy::media
