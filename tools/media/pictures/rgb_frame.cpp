// SPDX-License-Identifier: MIT
#include "tools/media/pictures/rgb_frame.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace convoy::media {

FramePtr new_frame(int width, int height, AVPixelFormat format) {
    FramePtr frame(av_frame_alloc());
    if (!frame) throw std::bad_alloc();
    frame->width = width;
    frame->height = height;
    frame->format = format;
    if (av_frame_get_buffer(frame.get(), 0) < 0) throw std::bad_alloc();
    return frame;
}

void copy_repeating_edges(const Image& image, AVFrame& frame) {
    const std::size_t row = std::size_t(image.width) * 3;
    for (int y = 0; y < frame.height; ++y) {
        const std::uint8_t* from = image.row(std::min(y, image.height - 1));
        std::uint8_t* to = frame.data[0] + std::ptrdiff_t(y) * frame.linesize[0];
        std::memcpy(to, from, row);
        for (int x = image.width; x < frame.width; ++x) std::memcpy(to + std::size_t(x) * 3, from + row - 3, 3);
    }
}

}  // namespace convoy::media
