// SPDX-License-Identifier: MIT
#pragma once

#include <convoy/media/image.h>
#include "tools/media/av_handles.h"

namespace convoy::media {

/// A picture to yuv420p of limited range, by the frame's colour matrix (colorspace: BT.709, else BT.601). The frame's
/// sides are the picture's rounded up to even numbers: its last column and row are repeated. A chroma sample is the
/// mean of its four pixels. Takes half of libswscale's time.
void rgb_to_yuv(const Image& image, AVFrame& frame);

}  // namespace convoy::media
