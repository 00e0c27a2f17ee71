// SPDX-License-Identifier: MIT
#include "tools/media/pictures/jpeg_planes.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace convoy::media {
namespace {

constexpr int kBits = 5;  // behind the point, of what is added up: it stays inside 16 bits, eight of which are a vector

/// From one YCbCr to the other, both linear in RGB and grey where chroma is 0: luma takes a share of chroma, and chroma
/// mixes with itself. For `value << 7` (luma) and `value << 8` (chroma), times this, >> 16.
struct Weights {
    std::int16_t luma, luma_of_cb, luma_of_cr, cb_of_cb, cb_of_cr, cr_of_cb, cr_of_cr, black;
};

Weights weights_of(ColorMatrix matrix, ColorRange range) {
    const bool hd = matrix == ColorMatrix::bt709, full = range == ColorRange::full;
    const double kr = hd ? .2126 : .299, kb = hd ? .0722 : .114, jr = .299, jb = .114;  // JPEG's
    const double luma = full ? 1 : 255. / 219, chroma = full ? 1 : 255. / 224;
    // What a unit of Cb or Cr adds to red, green and blue.
    const double blue_of_cb = 2 * (1 - kb), green_of_cb = -kb * blue_of_cb / (1 - kr - kb);
    const double red_of_cr = 2 * (1 - kr), green_of_cr = -kr * red_of_cr / (1 - kr - kb);
    const double y_of_cb = (1 - jr - jb) * green_of_cb + jb * blue_of_cb;
    const double y_of_cr = jr * red_of_cr + (1 - jr - jb) * green_of_cr;
    const auto fixed = [](double value, int shift) { return std::int16_t(std::lround(std::ldexp(value, shift))); };
    constexpr int kLuma = 16 - 7 + kBits, kChroma = 16 - 8 + kBits;
    Weights w;
    w.luma = fixed(luma, kLuma);
    w.luma_of_cb = fixed(chroma * y_of_cb, kChroma);
    w.luma_of_cr = fixed(chroma * y_of_cr, kChroma);
    w.cb_of_cb = fixed(chroma * (blue_of_cb - y_of_cb) / (2 * (1 - jb)), kChroma);
    w.cb_of_cr = fixed(chroma * -y_of_cr / (2 * (1 - jb)), kChroma);
    w.cr_of_cb = fixed(chroma * -y_of_cb / (2 * (1 - jr)), kChroma);
    w.cr_of_cr = fixed(chroma * (red_of_cr - y_of_cr) / (2 * (1 - jr)), kChroma);
    w.black = fixed(full ? 0 : 16 * luma, kBits);
    return w;
}

inline std::int16_t times(int value, int weight) { return std::int16_t((value * weight) >> 16); }

inline std::uint8_t level(int sum) { return std::uint8_t(std::clamp(sum >> kBits, 0, 255)); }

// Plain loops over restricted pointers: compilers make vectors of these.
/// `luma` gets what two pixels side by side take of their chroma.
void chroma_row(const std::uint8_t* __restrict uv, int pairs, const Weights& weights, std::uint8_t* __restrict cb,
                std::uint8_t* __restrict cr, std::int16_t* __restrict luma) {
    const Weights w = weights;
    constexpr std::int16_t kMiddle = (128 << kBits) + (1 << (kBits - 1)) + 1;  // of two sums cut off, one unit
    for (int x = 0; x < pairs; ++x) {
        const auto u = std::int16_t((uv[2 * x] - 128) * 256), v = std::int16_t((uv[2 * x + 1] - 128) * 256);
        cb[x] = level(std::int16_t(times(u, w.cb_of_cb) + times(v, w.cb_of_cr) + kMiddle));
        cr[x] = level(std::int16_t(times(u, w.cr_of_cb) + times(v, w.cr_of_cr) + kMiddle));
        luma[2 * x] = luma[2 * x + 1] =
            std::int16_t(times(u, w.luma_of_cb) + times(v, w.luma_of_cr) - w.black + (1 << (kBits - 1)) + 1);
    }
}

void luma_row(const std::uint8_t* __restrict from, const std::int16_t* __restrict chroma, int width, int weight,
              std::uint8_t* __restrict y) {
    for (int x = 0; x < width; ++x) y[x] = level(std::int16_t(times(std::int16_t(from[x] << 7), weight) + chroma[x]));
}

void repeat_edges(std::uint8_t* plane, int width, int height, int pitch, int rows) {
    for (int y = 0; y < height; ++y) {
        std::uint8_t* row = plane + std::ptrdiff_t(y) * pitch;
        std::fill(row + width, row + pitch, row[width - 1]);
    }
    const std::uint8_t* last = plane + std::ptrdiff_t(height - 1) * pitch;
    for (int y = height; y < rows; ++y) std::memcpy(plane + std::ptrdiff_t(y) * pitch, last, std::size_t(pitch));
}

}  // namespace

void to_jpeg_planes(const PixelView& nv12, std::uint8_t* planes) {
    const JpegPlanes layout(nv12.width, nv12.height);
    const Weights weights = weights_of(nv12.matrix, nv12.range);
    const int w = nv12.width, h = nv12.height, pairs = (w + 1) / 2;
    std::vector<std::int16_t> chroma(std::size_t(pairs) * 2);
    const auto from = [&](int plane, int y) { return nv12.plane[plane] + std::ptrdiff_t(y) * nv12.pitch[plane]; };
    const auto to = [&](int plane, int y) {
        return planes + layout.begin(plane) + std::ptrdiff_t(y) * layout.pitch_of(plane);
    };
    for (int y = 0; y < h; y += 2) {
        chroma_row(from(1, y / 2), pairs, weights, to(1, y / 2), to(2, y / 2), chroma.data());
        for (int line = y; line < std::min(y + 2, h); ++line)
            luma_row(from(0, line), chroma.data(), w, weights.luma, to(0, line));
    }
    repeat_edges(to(0, 0), w, h, layout.pitch, layout.rows);
    for (const int plane : {1, 2}) repeat_edges(to(plane, 0), pairs, (h + 1) / 2, layout.pitch / 2, layout.rows / 2);
}

}  // namespace convoy::media
