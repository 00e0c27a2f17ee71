// SPDX-License-Identifier: MIT
//
// What libav says of a picture's colours comes unchecked from some files (MPEG-2, Matroska): a number that is none of
// the enumeration's must not be read as one.
#pragma once

#include <cstring>

extern "C" {
#include <libavcodec/avcodec.h>
}

namespace convoy::media {

/// Makes what is no value of an enumeration of `count` values `unknown`.
template <typename Enum>
void mend(Enum& field, Enum count, Enum unknown) {
    static_assert(sizeof(Enum) == sizeof(int));
    int number = 0;
    std::memcpy(&number, &field, sizeof number);
    if (number < 0 || number >= int(count)) field = unknown;
}

inline void mend_colours(AVColorSpace& space, AVColorRange& range, AVColorTransferCharacteristic& transfer,
                         AVColorPrimaries& primaries) {
    mend(space, AVCOL_SPC_NB, AVCOL_SPC_UNSPECIFIED);
    mend(range, AVCOL_RANGE_NB, AVCOL_RANGE_UNSPECIFIED);
    mend(transfer, AVCOL_TRC_NB, AVCOL_TRC_UNSPECIFIED);
    mend(primaries, AVCOL_PRI_NB, AVCOL_PRI_UNSPECIFIED);
}

/// Of an AVFrame or an AVCodecContext.
template <typename Picture>
void mend_colours(Picture& picture) {
    mend_colours(picture.colorspace, picture.color_range, picture.color_trc, picture.color_primaries);
}

inline void mend_colours(AVCodecParameters& stream) {
    mend_colours(stream.color_space, stream.color_range, stream.color_trc, stream.color_primaries);
}

}  // namespace convoy::media
