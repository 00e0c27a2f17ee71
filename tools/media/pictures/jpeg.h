// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include <convoy/media/give_up.h>
#include <convoy/types.h>
#include "tools/media/pictures/orientation.h"

namespace convoy::media {

struct JpegHeader {
    int width = 0, height = 0;    ///< as stored
    Orientation orientation = 1;  ///< EXIF's
    /// What libjpeg keeps of the picture while it decodes, beside the pixels: much where it comes in several scans.
    std::size_t coefficient_bytes = 0;
};

/// Reads a JPEG up to its first scan, whatever comes before that; false when there is none.
bool read_jpeg_header(std::FILE* file, JpegHeader& header);
bool read_jpeg_header(std::span<const std::uint8_t> file, JpegHeader& header);

/// A JPEG file to (height, width, 3) bytes of RGB, as it is stored (orientation not applied). By libjpeg with its
/// defaults, so that pixels are those that OpenCV, and with it Darknet, sees; stb_image's differ by a few levels,
/// enough to move boxes by half a pixel. Returns false and a reason when nothing can be decoded; damage inside the
/// picture is decoded over, as everywhere. Asked for every row whether to give up, it returns false then, too.
/// `ends_early`: pixels are missing at its end, and were made up.
bool decode_jpeg(std::span<const std::uint8_t> file, int& width, int& height, std::vector<std::uint8_t>& rgb,
                 std::string& reason, const GiveUp& give_up = {}, bool* ends_early = nullptr);

/// A picture in host memory, NV12 or RGB8, to a baseline JPEG file: YCbCr 4:2:0, Huffman's tables of the standard, by
/// libjpeg. `quality` is its own, 1 to 100. Returns false and a reason when it cannot be encoded.
bool encode_jpeg(const PixelView& picture, int quality, std::vector<std::uint8_t>& file, std::string& reason);

}  // namespace convoy::media
