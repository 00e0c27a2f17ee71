// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <convoy/media/give_up.h>
#include "tools/media/pictures/orientation.h"

namespace convoy::media {

/// A picture as libav has decoded it.
struct AvPicture {
    int width = 0, height = 0;    ///< as stored
    Orientation orientation = 1;  ///< by the container's display matrix
    std::vector<std::uint8_t> rgb;
    int pitch = 0;  ///< bytes between its rows
};

enum class AvOutcome { decoded, damaged, unknown };

/// Decodes the first picture of a file of any format that libav knows. Where that fails `reason` says why; `unknown`:
/// this libav has nothing that reads it.
AvOutcome decode_by_libav(std::span<const std::uint8_t> file, AvPicture& picture, std::string& reason);

}  // namespace convoy::media
