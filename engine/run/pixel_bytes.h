// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include <convoy/frame.h>

namespace convoy {

/// Bytes of a picture's pixels without padding.
inline std::size_t pixel_bytes(const PixelView& p) {
    const std::size_t pixels = std::size_t(p.width) * std::size_t(p.height);
    return p.format == PixelFormat::rgb8
               ? 3 * pixels
               : pixels + 2 * std::size_t((p.width + 1) / 2) * std::size_t((p.height + 1) / 2);
}

}  // namespace convoy
