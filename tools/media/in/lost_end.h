// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace convoy::media {

/// What a file lacks at its end by what it says of itself, a few words: Matroska and ASF state how many bytes there
/// are, and FLV repeats the size of each tag behind it. Empty where nothing is known to be missing. `format`: libav's
/// name.
std::string lost_end(const std::string& path, std::string_view format);

}  // namespace convoy::media
