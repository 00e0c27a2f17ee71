// SPDX-License-Identifier: MIT
//
// The constants of preprocess() that host and device share.
#pragma once

#include "kernels/preprocess.h"

namespace convoy::kernels {

/// Source position of output i, in samples of the full-resolution plane, is scale · i + offset.
struct Mapping {
    double scale = 0, offset = 0;

    Mapping() = default;
    Mapping(Resize resize, int source, int output) : scale(double(source) / output), offset(.5 * scale - .5) {
        if (resize != Resize::darknet) return;
        scale = output > 1 ? double(source - 1) / (output - 1) : 0;
        offset = 0;
    }
    /// To a plane of half the resolution whose samples lie in the middle of the pixels that they stand for.
    Mapping halved() const {
        Mapping m = *this;
        m.scale = scale / 2;
        m.offset = offset / 2 - .25;
        return m;
    }
};

/// Bytes of luma and chroma to RGB in 0…1: red = luma · y + bias + red_v · v, and so on, with v and u counted from 128.
struct ColorConversion {
    float luma = 0, bias = 0, red_v = 0, green_u = 0, green_v = 0, blue_u = 0;

    ColorConversion() = default;
    ColorConversion(ColorMatrix matrix, ColorRange range) {
        const double red = matrix == ColorMatrix::bt601 ? .299 : .2126;  // share in luma
        const double blue = matrix == ColorMatrix::bt601 ? .114 : .0722;
        const double green = 1 - red - blue;
        const bool limited = range == ColorRange::limited;
        const double chroma = 1. / (limited ? 224 : 255);
        luma = float(1. / (limited ? 219 : 255));
        bias = limited ? float(-16. / 219) : 0.f;
        red_v = float(2 * (1 - red) * chroma);
        blue_u = float(2 * (1 - blue) * chroma);
        green_v = float(-2 * (1 - red) * red / green * chroma);
        green_u = float(-2 * (1 - blue) * blue / green * chroma);
    }
};

}  // namespace convoy::kernels
