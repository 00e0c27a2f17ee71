// SPDX-License-Identifier: MIT
#include "tools/media/draw/font.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <unordered_map>

// Static, so that a program with its own copy of stb links too.
#define STBTT_STATIC
#define STB_TRUETYPE_IMPLEMENTATION
#include <stb/stb_truetype.h>

// The assembler copies the file; an array in C++ would take the compiler seconds.
__asm__(
    ".pushsection .rodata\n"
    ".global convoy_font_ttf\n"
    ".hidden convoy_font_ttf\n"
    ".type convoy_font_ttf, %object\n"
    ".balign 16\n"
    "convoy_font_ttf:\n"
    ".incbin \"" CONVOY_FONT_FILE
    "\"\n"
    ".size convoy_font_ttf, . - convoy_font_ttf\n"
    ".popsection\n");
extern "C" const unsigned char convoy_font_ttf[];  // its length is not needed to read it

namespace convoy::media {
namespace {

/// Takes the first code point off `text`; U+FFFD for what is not UTF-8.
char32_t take_code_point(std::string_view& text) {
    const auto first = static_cast<unsigned char>(text[0]);
    const int more = first < 0x80 ? 0 : first >> 5 == 6 ? 1 : first >> 4 == 14 ? 2 : first >> 3 == 30 ? 3 : -1;
    char32_t code = more <= 0 ? first : first & (0x3f >> more);
    text.remove_prefix(1);
    if (more < 0) return 0xfffd;
    for (int i = 0; i < more; ++i) {
        if (text.empty() || (static_cast<unsigned char>(text[0]) & 0xc0) != 0x80) return 0xfffd;
        code = code << 6 | (static_cast<unsigned char>(text[0]) & 0x3f);
        text.remove_prefix(1);
    }
    return code;
}

std::uint8_t mix(int under, int over, int alpha) {
    return std::uint8_t((under * (255 - alpha) + over * alpha + 127) / 255);
}

void blend(std::uint8_t* pixel, Color color, int alpha) {
    pixel[0] = mix(pixel[0], color.r, alpha);
    pixel[1] = mix(pixel[1], color.g, alpha);
    pixel[2] = mix(pixel[2], color.b, alpha);
}

struct Glyph {
    int x = 0, y = 0, w = 0, h = 0;  // of its bitmap, relative to the pen on the base line
    float advance = 0;
    std::vector<std::uint8_t> coverage;  // (h, w)
};

}  // namespace

void fill_rect(Image& image, int x, int y, int w, int h, Color color, int opacity) {
    const int x1 = std::min(x + w, image.width), y1 = std::min(y + h, image.height);
    for (int row = std::max(y, 0); row < y1; ++row) {
        std::uint8_t* p = image.row(row) + std::size_t(std::max(x, 0)) * 3;
        for (int i = std::max(x, 0); i < x1; ++i, p += 3) blend(p, color, opacity);
    }
}

struct Font::Impl {
    explicit Impl(int height) : line_height(height) {
        if (!stbtt_InitFont(&info, convoy_font_ttf, 0)) throw std::logic_error("the embedded font is no TrueType file");
        int ascent = 0, descent = 0, gap = 0;
        stbtt_GetFontVMetrics(&info, &ascent, &descent, &gap);
        scale = stbtt_ScaleForPixelHeight(&info, float(height));
        base_line = int(std::lround(float(ascent) * scale));
    }

    const Glyph& glyph(char32_t code) {
        const auto [it, fresh] = glyphs.try_emplace(code);
        Glyph& g = it->second;
        if (!fresh) return g;
        int advance = 0, bearing = 0, x1 = 0, y1 = 0;
        const int index = stbtt_FindGlyphIndex(&info, int(code));
        stbtt_GetGlyphHMetrics(&info, index, &advance, &bearing);
        stbtt_GetGlyphBitmapBox(&info, index, scale, scale, &g.x, &g.y, &x1, &y1);
        g.advance = float(advance) * scale;
        g.w = x1 - g.x;
        g.h = y1 - g.y;
        g.coverage.resize(std::size_t(g.w) * g.h);
        if (!g.coverage.empty()) stbtt_MakeGlyphBitmap(&info, g.coverage.data(), g.w, g.h, g.w, scale, scale, index);
        return g;
    }

    int line_height, base_line = 0;
    float scale = 1;
    stbtt_fontinfo info;
    std::unordered_map<char32_t, Glyph> glyphs;
};

Font::Font(int height) : impl_(std::make_unique<Impl>(height)) {}
Font::~Font() = default;
Font::Font(Font&&) noexcept = default;
Font& Font::operator=(Font&&) noexcept = default;

int Font::height() const { return impl_->line_height; }

int Font::width(std::string_view text) {
    float pen = 0;
    while (!text.empty()) pen += impl_->glyph(take_code_point(text)).advance;
    return int(std::ceil(pen));
}

void Font::draw(Image& image, int x, int y, std::string_view text, Color color) {
    float pen = float(x);
    while (!text.empty() && pen < float(image.width)) {
        const Glyph& g = impl_->glyph(take_code_point(text));
        const int left = int(std::lround(pen)) + g.x, top = y + impl_->base_line + g.y;
        const int first = std::max(0, -left), last = std::min(g.w, image.width - left);
        for (int row = std::max(0, -top); row < std::min(g.h, image.height - top); ++row)
            for (int column = first; column < last; ++column)
                if (const int alpha = g.coverage[std::size_t(row) * g.w + column])
                    blend(image.row(top + row) + std::size_t(left + column) * 3, color, alpha);
        pen += g.advance;
    }
}

Font& Fonts::of_height(int height) {
    for (Font& font : fonts_)
        if (font.height() == height) return font;
    return fonts_.emplace_back(height);
}

}  // namespace convoy::media
