// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

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

}  // namespace convoy::test
