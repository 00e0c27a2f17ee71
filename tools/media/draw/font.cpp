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

struct Glyph {
    int x = 0, y = 0, w = 0, h = 0;  // of its bitmap, relative to the pen on the base line
    float advance = 0;
    std::vector<std::uint8_t> coverage;  // (h, w)
};

}  // namespace

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

void Font::draw(const Canvas& canvas, int x, int y, std::string_view text, Color color) {
    float pen = float(x);
    while (!text.empty() && pen < float(canvas.width())) {
        const Glyph& g = impl_->glyph(take_code_point(text));
        canvas.blend(int(std::lround(pen)) + g.x, y + impl_->base_line + g.y, g.w, g.h, g.coverage.data(), color);
        pen += g.advance;
    }
}

Font& Fonts::of_height(int height) {
    for (Font& font : fonts_)
        if (font.height() == height) return font;
    return fonts_.emplace_back(height);
}

}  // namespace convoy::media
