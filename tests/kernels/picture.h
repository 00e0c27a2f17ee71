// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "engine/area.h"
#include "kernels/preprocess.h"
#include "tests/support/random.h"

namespace convoy::test {

/// A picture of random bytes whose rows are `gap` bytes further apart than they need be; the last row has no gap, so
/// that a sanitizer sees a read past it.
class RandomPicture {
public:
    RandomPicture(PixelFormat format, int width, int height, int gap = 0, std::uint64_t seed = 1) {
        view_.format = format;
        view_.width = width, view_.height = height;
        const bool rgb = format == PixelFormat::rgb8;
        add_plane(0, rgb ? width * 3 : width, height, gap, seed);
        if (!rgb) add_plane(1, (width + 1) / 2 * 2, (height + 1) / 2, gap, seed + 1);
    }
    PixelView& view() { return view_; }
    std::vector<std::uint8_t>& bytes(int plane) { return bytes_[plane]; }

private:
    void add_plane(int plane, int row_bytes, int rows, int gap, std::uint64_t seed) {
        view_.pitch[plane] = row_bytes + gap;
        const auto values = random_floats(std::size_t(rows - 1) * (row_bytes + gap) + row_bytes, seed, 0.f, 256.f);
        bytes_[plane].assign(values.begin(), values.end());
        view_.plane[plane] = bytes_[plane].data();
    }

    std::vector<std::uint8_t> bytes_[2];
    PixelView view_;
};

/// An area in memory of its own.
inline RandomPicture copy_of(RandomPicture& frame, const Area& area) {
    const PixelView& from = frame.view();
    RandomPicture copy(from.format, area.width, area.height);
    PixelView& to = copy.view();
    to.matrix = from.matrix, to.range = from.range;
    for (int plane : {0, 1}) {
        const bool chroma = plane == 1;
        const std::size_t sample = chroma ? 2 : from.format == PixelFormat::nv12 ? 1 : 3;
        for (int row = 0; !copy.bytes(plane).empty() && row < (chroma ? (area.height + 1) / 2 : area.height); ++row)
            std::memcpy(&copy.bytes(plane)[std::size_t(row * to.pitch[plane])],
                        from.plane[plane] + std::ptrdiff_t((chroma ? area.y / 2 : area.y) + row) * from.pitch[plane] +
                            std::size_t(chroma ? area.x / 2 : area.x) * sample,
                        std::size_t(to.pitch[plane]));
    }
    return copy;
}

/// Areas of a frame of that size: at its corners and edges, inside, of one pixel, with odd sizes.
inline const int kAreaFrame[2] = {151, 97};
inline const Area kAreas[] = {{0, 0, 151, 97},  {0, 0, 60, 40},  {90, 56, 61, 41}, {90, 0, 61, 31}, {0, 60, 33, 37},
                              {50, 30, 51, 33}, {150, 96, 1, 1}, {2, 4, 1, 7},     {46, 0, 64, 96}};

}  // namespace convoy::test
