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

/// Of an AVFrame or an AVCodecContext.
template <typename Picture>
void mend_colours(Picture& picture) {
    mend(picture.colorspace, AVCOL_SPC_NB, AVCOL_SPC_UNSPECIFIED);
    mend(picture.color_range, AVCOL_RANGE_NB, AVCOL_RANGE_UNSPECIFIED);
    mend(picture.color_trc, AVCOL_TRC_NB, AVCOL_TRC_UNSPECIFIED);
    mend(picture.color_primaries, AVCOL_PRI_NB, AVCOL_PRI_UNSPECIFIED);
}

inline void mend_colours(AVCodecParameters& parameters) {
    mend(parameters.color_space, AVCOL_SPC_NB, AVCOL_SPC_UNSPECIFIED);
    mend(parameters.color_range, AVCOL_RANGE_NB, AVCOL_RANGE_UNSPECIFIED);
    mend(parameters.color_trc, AVCOL_TRC_NB, AVCOL_TRC_UNSPECIFIED);
    mend(parameters.color_primaries, AVCOL_PRI_NB, AVCOL_PRI_UNSPECIFIED);
}

}  // namespace convoy::media
