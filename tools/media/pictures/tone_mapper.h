// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tools/media/pictures/filter_graph.h"

namespace convoy::media {

/// Whether pictures with this transfer are of high dynamic range: PQ or HLG.
constexpr bool is_hdr(AVColorTransferCharacteristic transfer) {
    return transfer == AVCOL_TRC_SMPTE2084 || transfer == AVCOL_TRC_ARIB_STD_B67;
}

/// HDR pictures to RGB8 as an SDR screen shows them, by libavfilter: diffuse white (203 cd/m², ITU-R BT.2408) becomes
/// white, what is brighter is compressed. Primaries, matrix and range that are not stated are BT.2020's and limited.
class ToneMapper {
public:
    /// Why it cannot be done here, a few words; empty when it can.
    static std::string obstacle();
    /// Writes picture.height rows of picture.width pixels. False when it cannot be done.
    bool convert(const AVFrame& picture, std::uint8_t* to, int to_pitch);

private:
    std::optional<FilterGraph> graph_;
    bool refused_ = false;
};

}  // namespace convoy::media
