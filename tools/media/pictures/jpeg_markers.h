// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>

#include "tools/media/pictures/orientation.h"

namespace convoy::media {

/// What stb_image does not look at in a JPEG.
struct JpegMarkers {
    Orientation orientation = 1;  ///< EXIF's, 1 when absent or out of range
    bool complete = false;        ///< the end-of-image marker is there; without it stb_image fills the rest with grey
};

/// The orientation that an APP1 segment states; 1 when it states none.
Orientation exif_orientation(std::span<const std::uint8_t> segment);

/// Walks the markers of a JPEG file. Damaged segments end the walk; nothing is thrown.
JpegMarkers read_jpeg_markers(std::span<const std::uint8_t> file);

}  // namespace convoy::media
