// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "tools/media/in/file_units.h"

namespace convoy::media {

struct EndOfFile {
    FileEnd kind = FileEnd::unknown;
    std::string lack;  ///< of one that is cut, a few words
};

/// How a file ends by what it says of itself: Matroska, ASF, MXF, FLV and SWF state how many bytes there are, IVF how
/// many frames, other containers have an end, or units that tell where they end. `format`: libav's name.
EndOfFile end_of_file(const std::string& path, std::string_view format, const LastPacket& last);

}  // namespace convoy::media
