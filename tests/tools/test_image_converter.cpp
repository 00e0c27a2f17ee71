// SPDX-License-Identifier: MIT
#include <convoy/media/image_converter.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/support/catch.h"
#include "tests/tools/media_files.h"

using namespace convoy;
using namespace convoy::test;

namespace {

/// ITU-R BT.601 and BT.709, analogue to digital, in doubles.
double expected(const PixelView& p, int x, int y, int channel) {
    const bool full = p.range == ColorRange::full;
    const double kr = p.matrix == ColorMatrix::bt709 ? .2126 : .299, kb = p.matrix == ColorMatrix::bt709 ? .0722 : .114;
    const std::uint8_t* c = p.plane[1] + std::ptrdiff_t(y / 2) * p.pitch[1] + x / 2 * 2;
    const double luma = (p.plane[0][std::ptrdiff_t(y) * p.pitch[0] + x] - (full ? 0 : 16)) / (full ? 255. : 219.);
    const double cb = (c[0] - 128) / (full ? 255. : 224.), cr = (c[1] - 128) / (full ? 255. : 224.);
    const double r = luma + 2 * (1 - kr) * cr, b = luma + 2 * (1 - kb) * cb;
    const double g = (luma - kr * r - kb * b) / (1 - kr - kb);
    return std::clamp(255 * (channel == 0 ? r : channel == 1 ? g : b), 0., 255.);
}

}  // namespace

TEST_CASE("NV12 becomes RGB by its matrix and range", "[image]") {
    media::ImageConverter converter;
    std::uint32_t random = 5;
    for (const auto& [w, h] : {std::pair{64, 48}, {33, 21}, {1, 1}, {322, 7}, {7, 2}})
        for (const ColorMatrix matrix : {ColorMatrix::bt601, ColorMatrix::bt709})
            for (const ColorRange range : {ColorRange::limited, ColorRange::full}) {
                // Buffers of exactly the size, so that a read behind them shows.
                const int chroma_w = (w + 1) / 2 * 2;
                std::vector<std::uint8_t> luma(std::size_t(w) * h), chroma(std::size_t(chroma_w) * ((h + 1) / 2));
                for (auto* plane : {&luma, &chroma})
                    for (std::uint8_t& b : *plane) b = std::uint8_t((random = random * 1664525 + 1013904223) >> 24);
                const PixelView view{
                    PixelFormat::nv12, {luma.data(), chroma.data()}, {w, chroma_w}, w, h, matrix, range};
                media::Image image;
                converter.convert(view, image);
                REQUIRE(image.width == w);
                REQUIRE(image.height == h);
                double worst = 0;
                for (int y = 0; y < h; ++y)
                    for (int i = 0; i < 3 * w; ++i)
                        worst = std::max(worst, std::fabs(image.row(y)[i] - expected(view, i / 3, y, i % 3)));
                CAPTURE(w, h, int(matrix), int(range), worst);
                CHECK(worst <= 3.2);  // libswscale multiplies 16-bit numbers and leaves out the rounding
            }
}

TEST_CASE("RGB stays as it is; what is on a GPU is refused", "[image]") {
    media::ImageConverter converter;
    const media::Image image = synthetic(37, 21, 3);
    PixelView view;
    view.plane[0] = image.rgb.data();
    view.pitch[0] = image.width * 3;
    view.width = image.width;
    view.height = image.height;
    media::Image copy;
    converter.convert(view, copy);
    CHECK(copy.rgb == image.rgb);
    view.on_device = true;
    CHECK(error_of([&] { converter.convert(view, copy); }).kind() == ErrorKind::usage);
}
