// SPDX-License-Identifier: MIT
#pragma once

#include <convoy/media/image.h>
#include "tools/media/av_handles.h"

namespace convoy::media {

/// A libav frame of the size and format with room behind its rows, which libswscale reads and writes.
FramePtr new_frame(int width, int height, AVPixelFormat format);

/// Copies a picture into an RGB24 frame that is as large or larger; its last column and row are repeated to fill it.
void copy_repeating_edges(const Image& image, AVFrame& frame);

}  // namespace convoy::media
