// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "tools/media/av_handles.h"
#include "tools/media/pictures/tone_mapper.h"

namespace convoy::media {

/// The matrix of a picture so many rows high that states `stated`.
constexpr AVColorSpace colour_matrix(AVColorSpace stated, int height) {
    if (stated != AVCOL_SPC_UNSPECIFIED) return stated;
    return height < 720 ? AVCOL_SPC_SMPTE170M : AVCOL_SPC_BT709;
}

/// Decoded pictures of any pixel format to RGB8, by the colour matrix and range that they state. Unstated: BT.601 below
/// 720 rows, else BT.709; limited range. Those of high dynamic range are tone-mapped where that can be done.
class RgbConverter {
public:
    /// Bytes between rows of a target `width` pixels wide: libswscale writes up to 32 pixels at a time.
    static int pitch(int width) { return (width + 31) / 32 * 32 * 3; }

    /// Writes frame.height rows of frame.width pixels. False when libswscale cannot convert this format.
    bool convert(const AVFrame& frame, std::uint8_t* to, int to_pitch);

private:
    struct Key {
        int width = 0, height = 0, format = -1, matrix = 0;
        bool full_range = false;
        bool operator==(const Key&) const = default;
    };
    Key key_;
    ScalerPtr scaler_;
    ToneMapper tone_mapper_;
};

}  // namespace convoy::media
