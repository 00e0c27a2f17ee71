// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace convoy::media {

/// A JPEG file to (height, width, 3) bytes of RGB, as it is stored (orientation not applied). By libjpeg with its
/// defaults, so that pixels are those that OpenCV, and with it Darknet, sees; stb_image's differ by a few levels,
/// enough to move boxes by half a pixel. Returns false and a reason when nothing can be decoded; damage inside the
/// picture is decoded over, as everywhere.
bool decode_jpeg(std::span<const std::uint8_t> file, int& width, int& height, std::vector<std::uint8_t>& rgb,
                 std::string& reason);

}  // namespace convoy::media
