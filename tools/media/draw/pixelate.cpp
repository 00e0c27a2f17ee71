// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstddef>

#include <convoy/media/draw.h>
#include "tools/media/draw/look.h"

namespace convoy::media {
namespace {

constexpr int kCells = 8, kLeastCell = 8;  // along a box's longer side; pixels

/// Gives `width` by `height` samples of `channels` bytes their mean.
void flatten(std::uint8_t* from, std::ptrdiff_t pitch, int width, int height, int channels) {
    for (int channel = 0; channel < channels; ++channel) {
        std::int64_t sum = 0;
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x) sum += from[y * pitch + x * channels + channel];
        const auto mean = std::uint8_t(sum / (std::int64_t(width) * height));
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x) from[y * pitch + x * channels + channel] = mean;
    }
}

/// Calls `each` with squares that cover the box, none of which leaves the picture; they begin at even pixels.
template <typename Each>
void for_cells(const Box& box, int width, int height, Each each) {
    const PixelRect r = pixel_rect(box, width, height);
    const int cell = std::max(kLeastCell, (std::max(r.w, r.h) / kCells + 1) & ~1);
    for (int y = r.y & ~1; y < r.y + r.h; y += cell)
        for (int x = r.x & ~1; x < r.x + r.w; x += cell)
            each(x, y, std::min(cell, width - x), std::min(cell, height - y));
}

}  // namespace

void pixelate(Image& image, const Box& box) {
    for_cells(box, image.width, image.height, [&](int x, int y, int w, int h) {
        flatten(image.row(y) + std::ptrdiff_t(x) * 3, std::ptrdiff_t(image.width) * 3, w, h, 3);
    });
}

void pixelate(Nv12Image& image, const Box& box) {
    for_cells(box, image.width, image.height, [&](int x, int y, int w, int h) {
        flatten(image.luma_row(y) + x, image.pitch(), w, h, 1);
        flatten(image.chroma_row(y / 2) + x, image.pitch(), (w + 1) / 2, (h + 1) / 2, 2);
    });
}

}  // namespace convoy::media
