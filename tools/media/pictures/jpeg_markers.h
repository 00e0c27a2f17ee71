// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tools/media/pictures/orientation.h"

namespace convoy::media {

/// What libjpeg does not tell of a JPEG.
struct JpegMarkers {
    Orientation orientation = 1;  ///< EXIF's, 1 when absent or out of range
    bool complete = false;        ///< the end-of-image marker is there
    std::size_t end = 0;          ///< where the bytes behind that begin
    bool multi_picture = false;   ///< it says that other pictures follow which belong to it (MPF)
};

/// The orientation in the first directory of a TIFF file; 1 when it states none.
Orientation tiff_orientation(std::span<const std::uint8_t> tiff);

/// The orientation that an APP1 segment states; 1 when it states none.
Orientation exif_orientation(std::span<const std::uint8_t> segment);

/// Walks the markers of a JPEG file. Damaged segments end the walk; nothing is thrown.
JpegMarkers read_jpeg_markers(std::span<const std::uint8_t> file);

}  // namespace convoy::media
