// SPDX-License-Identifier: MIT
//
// Containers that are a row of units, each of which tells where the next one begins.
#pragma once

#include <cstdint>
#include <fstream>
#include <string_view>

namespace convoy::media {

/// How a file ends by what it says of itself. `whole` also where something else follows.
enum class FileEnd { unknown, whole, cut };

/// The packet that libav has read last: its first byte's place in the file, and its size. Negative: not known. How many
/// it is of its track.
struct LastPacket {
    std::int64_t pos = -1, size = -1, count = 0;
};

/// Whether the last unit is all there: of MP4, AVI, FLV, RoQ, GXF, APNG, Y4M, DV and AV1's two (`format`: libav's
/// name), else unknown. Unknown, too, where the row breaks off before the last packet.
FileEnd end_of_units(std::ifstream& file, std::int64_t size, std::string_view format, const LastPacket& last);

}  // namespace convoy::media
