// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>

namespace convoy::media {

/// Bounds what a small file can make us allocate.
constexpr std::int64_t kMaxPixels = std::int64_t(16384) * 16384;

/// Bounds how long one can make us work: a picture of more pixels than this has a byte for so many of them.
constexpr std::int64_t kFreePixels = std::int64_t(1) << 26, kPixelsToTheByte = 4096;

constexpr std::int64_t most_pixels(std::uint64_t file_bytes) {
    const std::uint64_t enough = kMaxPixels / kPixelsToTheByte;
    return std::max(kFreePixels, std::int64_t(std::min(file_bytes, enough)) * kPixelsToTheByte);
}

constexpr bool plausible_size(int width, int height, std::int64_t most = kMaxPixels) {
    return width > 0 && height > 0 && std::int64_t(width) * height <= most;
}

}  // namespace convoy::media
