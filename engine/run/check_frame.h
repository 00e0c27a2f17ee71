// SPDX-License-Identifier: MIT
#pragma once

#include <convoy/frame.h>

namespace convoy {

/// Throws Error(input) for a frame whose format, size or pitch is impossible, or that lies in device memory although a
/// CPU is to read it.
void check_frame(const Frame& frame, bool gpu);

}  // namespace convoy
