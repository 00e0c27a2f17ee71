// SPDX-License-Identifier: MIT
#pragma once

#include <convoy/media/image.h>

namespace convoy::media {

/// A picture to NV12 of limited range, by the colour matrix of `to`, which gets the picture's size rounded up to even
/// numbers: its last column and row are repeated. A chroma sample is the mean of its four pixels. Takes half of
/// libswscale's time.
void rgb_to_nv12(const Image& image, Nv12Image& to);

}  // namespace convoy::media
