// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace convoy::media {

/// How stored pixels are to be shown, numbered as EXIF's tag 0x0112: 1 as they are, 2 mirrored, 3 turned by 180°,
/// 4 upside down, 5 transposed, 6 turned by 90° clockwise, 7 transposed along the other diagonal, 8 turned by 90°
/// counter-clockwise.
using Orientation = int;

/// Whether width and height change places.
constexpr bool swaps_axes(Orientation o) { return o >= 5; }

/// The orientation nearest to a container's display matrix (libavutil/display.h: nine 16.16 numbers); null means 1.
Orientation from_display_matrix(const std::int32_t* matrix);

/// Copies an RGB picture of `width` x `height` stored pixels so that it lies upright. Pitches in bytes.
void orient(Orientation orientation, const std::uint8_t* from, int from_pitch, int width, int height, std::uint8_t* to,
            int to_pitch);

}  // namespace convoy::media
