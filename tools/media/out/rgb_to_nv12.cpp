// SPDX-License-Identifier: MIT
#include "tools/media/out/rgb_to_nv12.h"

#include <algorithm>
#include <cmath>

namespace convoy::media {
namespace {

constexpr int kBits = 15;  // of the weights behind the point: 8 + 15 and a sum of four stay well inside 32

struct Weights {
    int y[3], cb[3], cr[3];
};

Weights weights_of(ColorMatrix matrix) {
    const bool hd = matrix == ColorMatrix::bt709;
    const double kr = hd ? .2126 : .299, kb = hd ? .0722 : .114;
    const auto fixed = [](double value) { return int(std::lround(value * (1 << kBits))); };
    const double luma = 219. / 255, chroma = 224. / 255 / 2;
    Weights w;
    w.y[0] = fixed(luma * kr), w.y[2] = fixed(luma * kb), w.y[1] = fixed(luma) - w.y[0] - w.y[2];
    w.cb[0] = fixed(-chroma * kr / (1 - kb)), w.cb[2] = fixed(chroma);
    w.cr[0] = fixed(chroma), w.cr[2] = fixed(-chroma * kb / (1 - kr));
    w.cb[1] = -w.cb[0] - w.cb[2], w.cr[1] = -w.cr[0] - w.cr[2];  // grey stays grey
    return w;
}

// Plain loops over restricted pointers: compilers make vectors of these.
void luma_row(const std::uint8_t* __restrict rgb, int width, const int (&w)[3], std::uint8_t* __restrict y) {
    const int r = w[0], g = w[1], b = w[2];
    for (int x = 0; x < width; ++x)
        y[x] = std::uint8_t(
            (r * rgb[3 * x] + g * rgb[3 * x + 1] + b * rgb[3 * x + 2] + (16 << kBits) + (1 << (kBits - 1))) >> kBits);
}

/// `pairs` times two pixels of each of two rows.
void chroma_row(const std::uint8_t* __restrict p, const std::uint8_t* __restrict q, int pairs, const Weights& weights,
                std::uint8_t* __restrict cbcr) {
    const Weights w = weights;
    constexpr int kShift = kBits + 2, kMiddle = (128 << kShift) + (1 << (kShift - 1));
    for (int x = 0; x < pairs; ++x) {
        const int r = p[6 * x] + p[6 * x + 3] + q[6 * x] + q[6 * x + 3];
        const int g = p[6 * x + 1] + p[6 * x + 4] + q[6 * x + 1] + q[6 * x + 4];
        const int b = p[6 * x + 2] + p[6 * x + 5] + q[6 * x + 2] + q[6 * x + 5];
        cbcr[2 * x] = std::uint8_t((w.cb[0] * r + w.cb[1] * g + w.cb[2] * b + kMiddle) >> kShift);
        cbcr[2 * x + 1] = std::uint8_t((w.cr[0] * r + w.cr[1] * g + w.cr[2] * b + kMiddle) >> kShift);
    }
}

}  // namespace

void rgb_to_nv12(const Image& image, Nv12Image& to) {
    const Weights w = weights_of(to.matrix);
    const int width = image.width, pairs = width / 2;
    to.width = (width + 1) & ~1, to.height = (image.height + 1) & ~1;
    to.range = ColorRange::limited;
    to.bytes.resize(std::size_t(to.pitch()) * std::size_t(to.height + to.chroma_rows()));
    for (int y = 0; y < to.height; y += 2) {
        const std::uint8_t* upper = image.row(y);
        const std::uint8_t* lower = image.row(std::min(y + 1, image.height - 1));
        luma_row(upper, width, w.y, to.luma_row(y));
        luma_row(lower, width, w.y, to.luma_row(y + 1));
        chroma_row(upper, lower, pairs, w, to.chroma_row(y / 2));
        if (width % 2 == 0) continue;
        std::uint8_t last[2][6];
        for (int c = 0; c < 6; ++c) {
            last[0][c] = upper[(width - 1) * 3 + c % 3];
            last[1][c] = lower[(width - 1) * 3 + c % 3];
        }
        chroma_row(last[0], last[1], 1, w, to.chroma_row(y / 2) + 2 * pairs);
        for (const int line : {y, y + 1}) to.luma_row(line)[width] = to.luma_row(line)[width - 1];
    }
}

}  // namespace convoy::media
