// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <convoy/detection.h>

namespace convoy {

/// The area that two boxes share.
inline float intersection(const Box& a, const Box& b) {
    const float w = std::min(a.x + a.w, b.x + b.w) - std::max(a.x, b.x),
                h = std::min(a.y + a.h, b.y + b.h) - std::max(a.y, b.y);
    return w > 0 && h > 0 ? w * h : 0;
}

/// That over the area which they cover together.
inline float overlap(const Box& a, const Box& b) {
    const float shared = intersection(a, b);
    return shared > 0 ? shared / (a.w * a.h + b.w * b.h - shared) : 0;
}

}  // namespace convoy
