// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include <convoy/types.h>

namespace convoy::media {

/// Where the three planes of a picture lie, one behind the other: JPEG's YCbCr 4:2:0. Sides are rounded up to whole
/// blocks of 16x16 pixels, which repeat the last column and row.
struct JpegPlanes {
    JpegPlanes(int width, int height) : pitch((width + 15) / 16 * 16), rows((height + 15) / 16 * 16) {}

    std::size_t bytes() const { return begin(3); }
    /// Of plane 0 (luma, `rows` of `pitch` bytes), 1 (Cb) or 2 (Cr, both half of that each way); 3: the end.
    std::size_t begin(int plane) const {
        const std::size_t luma = std::size_t(pitch) * std::size_t(rows);
        return plane == 0 ? 0 : luma + luma / 4 * std::size_t(plane - 1);
    }
    int pitch_of(int plane) const { return plane == 0 ? pitch : pitch / 2; }

    int pitch, rows;
};

/// NV12 of either range and matrix, in host memory, to such planes of full range by BT.601, which is all that JPEG
/// knows; values beyond its range are cut off. Where chroma lies between the pixels is left as it is.
void to_jpeg_planes(const PixelView& nv12, std::uint8_t* planes);

}  // namespace convoy::media
