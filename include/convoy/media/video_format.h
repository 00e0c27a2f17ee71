// SPDX-License-Identifier: MIT
#pragma once

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
};

}  // namespace convoy::media
