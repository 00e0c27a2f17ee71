// SPDX-License-Identifier: MIT
//
// Frames in pieces: where they are cut, and which boxes of different pieces are the same thing.
#pragma once

#include <atomic>
#include <optional>
#include <vector>

#include <convoy/options.h>
#include "engine/area.h"

namespace convoy {

/// The pictures of a frame: its tiles row by row, then the whole frame if it is wanted. Tiles are of one size where the
/// frame can be divided so; else they begin up to two pixels before the place where an even division has them, and end
/// up to one behind it.
std::vector<Area> tile_areas(const TileOptions& tiles, int width, int height);

/// What was found in a frame, in the frame's pixels, each thing once, from the most confident on. `found` has the boxes
/// of each area, in that area's pixels and clipped to it. Two boxes of a class (of any, with
/// DetectOptions::nms_across_classes) from different areas are the same thing where
///   1. their intersection over their union exceeds DetectOptions::nms; or
///   2. one of them was cut by its tile's border, and over half of it lies in the other; or
///   3. both were cut, at borders that face each other, and the box around both is at most 1.2 times as large as what
///      they cover.
/// The second is SAHI's measure and threshold, where a border calls for it; the third is DarkHelp's (tile_rect_factor).
/// A box counts as cut where a tenth of its length would take it beyond a border of its tile that is none of the
/// frame's. Of boxes that are the same thing the strongest gives confidence and class; the box is the strongest one
/// that is not cut, or the one around all of them. Nothing if `stop` becomes true while that takes long.
std::optional<std::vector<Detection>> join_tiles(const DetectOptions& options, const std::vector<Area>& areas,
                                                 const std::vector<std::vector<Detection>>& found,
                                                 const std::atomic<bool>& stop);

}  // namespace convoy
