// SPDX-License-Identifier: MIT
#pragma once

#include <convoy/frame.h>
#include <convoy/options.h>

namespace convoy {

/// Throws Error(input) for a frame whose format, size or pitch is impossible, that lies in device memory although a CPU
/// is to read it, or that is too small for its tiles.
void check_frame(const Frame& frame, const TileOptions& tiles, bool gpu);

}  // namespace convoy
