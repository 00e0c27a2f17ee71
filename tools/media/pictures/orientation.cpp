// SPDX-License-Identifier: MIT
#include "tools/media/pictures/orientation.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace convoy::media {

Orientation from_display_matrix(const std::int32_t* matrix) {
    if (!matrix) return 1;
    // A stored point (x, y) is shown at (a x + c y, b x + d y).
    const std::int64_t a = matrix[0], b = matrix[1], c = matrix[3], d = matrix[4];
    if (std::abs(a) + std::abs(d) >= std::abs(b) + std::abs(c)) {
        if (a >= 0) return d >= 0 ? 1 : 4;
        return d >= 0 ? 2 : 3;
    }
    if (b >= 0) return c >= 0 ? 5 : 6;
    return c >= 0 ? 8 : 7;
}

void orient(Orientation orientation, const std::uint8_t* from, int from_pitch, int width, int height, std::uint8_t* to,
            int to_pitch) {
    if (orientation == 1) {
        for (int y = 0; y < height; ++y)
            std::memcpy(to + std::ptrdiff_t(y) * to_pitch, from + std::ptrdiff_t(y) * from_pitch,
                        std::size_t(width) * 3);
        return;
    }
    const bool reverse_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const bool reverse_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    const bool swap = swaps_axes(orientation);
    const std::ptrdiff_t dx = reverse_x ? -3 : 3, dy = reverse_y ? -std::ptrdiff_t(from_pitch) : from_pitch;
    const std::uint8_t* origin = from + (reverse_x ? std::ptrdiff_t(width - 1) * 3 : 0) +
                                 (reverse_y ? std::ptrdiff_t(height - 1) * from_pitch : 0);
    const std::ptrdiff_t step_x = swap ? dy : dx, step_y = swap ? dx : dy;
    const int out_w = swap ? height : width, out_h = swap ? width : height;
    constexpr int kTile = 32;  // keeps the rows that a transposed read touches in the cache
    for (int y0 = 0; y0 < out_h; y0 += kTile)
        for (int x0 = 0; x0 < out_w; x0 += kTile)
            for (int y = y0; y < std::min(y0 + kTile, out_h); ++y) {
                const std::uint8_t* in = origin + y * step_y + x0 * step_x;
                std::uint8_t* out = to + std::ptrdiff_t(y) * to_pitch + std::ptrdiff_t(x0) * 3;
                for (int x = x0; x < std::min(x0 + kTile, out_w); ++x, in += step_x, out += 3)
                    out[0] = in[0], out[1] = in[1], out[2] = in[2];
            }
}

}  // namespace convoy::media
