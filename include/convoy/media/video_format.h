// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace convoy::media {

/// Who makes H.264.
enum class H264Encoder {
    automatic,  ///< h264_nvenc where it opens, else as x264
    x264,       ///< libx264, or where libav comes without, another encoder that it has
    nvenc,      ///< h264_nvenc and no other
};

struct VideoFormat {
    int width = 0, height = 0;      ///< odd sizes are padded by one column or row
    int fps_num = 25, fps_den = 1;  ///< nominal rate, for the encoder's rate control
    int threads = 0;                ///< encoder threads; 0 lets x264 choose
    H264Encoder encoder = H264Encoder::x264;
    std::string preset = "veryfast";  ///< x264's name of how much work it takes to make the file small
    int crf = 23;                     ///< x264's constant rate factor, 0 (lossless) to 51; NVENC's constant quality
};

}  // namespace convoy::media
