// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "tools/fleet/video_parts.h"

namespace convoy::test {

/// Whether the parts, one after the other, are the frames of the whole, each once, at the same times to the last bit:
/// what is wrong, "" if nothing is. `any_pixels`: of what is damaged.
std::string fault_of(const fleet::VideoParts& parts, const std::string& location, bool any_pixels = false);

}  // namespace convoy::test
