// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include <convoy/types.h>

namespace convoy {

/// A rectangle of a frame, in its pixels. x and y are even: it begins with whole chroma samples.
struct Area {
    int x = 0, y = 0, width = 0, height = 0;
    bool operator==(const Area&) const = default;
};

inline Area whole_area(const PixelView& picture) { return {0, 0, picture.width, picture.height}; }

/// An area as a picture of its own, whose pixels lie where they are: whatever reads a picture reads a tile.
inline PixelView view_of(const PixelView& picture, const Area& area) {
    PixelView view = picture;
    view.width = area.width, view.height = area.height;
    const bool nv12 = picture.format == PixelFormat::nv12;
    const auto move = [&](int plane, int row, int byte) {
        if (view.plane[plane]) view.plane[plane] += std::ptrdiff_t(row) * picture.pitch[plane] + byte;
    };
    move(0, area.y, nv12 ? area.x : 3 * area.x);
    move(1, area.y / 2, area.x);  // half as many samples, of two bytes
    return view;
}

}  // namespace convoy
