// SPDX-License-Identifier: MIT
#include "tools/media/out/rgb_to_nv12.h"

#include <algorithm>
#include <cmath>

#include "tests/support/catch.h"
#include "tests/tools/media_files.h"

using namespace convoy;
using namespace convoy::test;
using media::Image;

namespace {

struct Pixel {
    double y, cb, cr;
};

/// BT.601's and BT.709's own formula, in double.
Pixel by_definition(double r, double g, double b, bool hd) {
    const double kr = hd ? .2126 : .299, kb = hd ? .0722 : .114;
    const double luma = (kr * r + (1 - kr - kb) * g + kb * b) / 255;
    return {16 + 219 * luma, 128 + 112 * (b / 255 - luma) / (1 - kb), 128 + 112 * (r / 255 - luma) / (1 - kr)};
}

}  // namespace

TEST_CASE("pictures of any size and colour become NV12 by the formula", "[yuv]") {
    std::uint32_t random = 1;
    for (const bool hd : {false, true})
        for (const auto& [w, h] : {std::pair{1, 1}, {2, 2}, {3, 5}, {64, 2}, {101, 67}, {640, 3}}) {
            Image image{w, h, Bytes(std::size_t(w) * h * 3)};
            for (std::uint8_t& v : image.rgb) v = std::uint8_t((random = random * 1664525 + 1013904223) >> 24);
            if (w == 64)  // the corners of the cube
                for (std::size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = (i / 3 >> i % 3) & 1 ? 255 : 0;
            media::Nv12Image to;
            to.matrix = hd ? ColorMatrix::bt709 : ColorMatrix::bt601;
            media::rgb_to_nv12(image, to);
            CHECK(to.width == (w + 1) / 2 * 2);
            CHECK(to.height == (h + 1) / 2 * 2);
            double worst = 0;
            const auto pixel = [&](int x, int y) { return image.row(std::min(y, h - 1)) + std::min(x, w - 1) * 3; };
            const auto stored = [&](int plane, int x, int y) {
                return double(plane ? to.chroma_row(y)[2 * x + plane - 1] : to.luma_row(y)[x]);
            };
            for (int y = 0; y < to.height; ++y)
                for (int x = 0; x < to.width; ++x) {
                    const std::uint8_t* p = pixel(x, y);
                    worst = std::max(worst, std::fabs(stored(0, x, y) - by_definition(p[0], p[1], p[2], hd).y));
                    if (x % 2 || y % 2) continue;
                    double mean[3] = {};
                    for (int i = 0; i < 12; ++i) mean[i % 3] += pixel(x + i / 3 % 2, y + i / 6)[i % 3] / 4.;
                    const Pixel want = by_definition(mean[0], mean[1], mean[2], hd);
                    worst = std::max(worst, std::fabs(stored(1, x / 2, y / 2) - want.cb));
                    worst = std::max(worst, std::fabs(stored(2, x / 2, y / 2) - want.cr));
                }
            CAPTURE(hd, w, h, worst);
            CHECK(worst <= .5 + 3 * 255 * .5 / 32768);  // the result's rounding, and that of three weights
        }
}
