// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace convoy::media {

/// Bounds what a small file can make us allocate.
constexpr std::int64_t kMaxPixels = std::int64_t(16384) * 16384;

constexpr bool plausible_size(int width, int height) {
    return width > 0 && height > 0 && std::int64_t(width) * height <= kMaxPixels;
}

}  // namespace convoy::media
