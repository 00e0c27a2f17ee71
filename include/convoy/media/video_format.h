// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace convoy::media {

enum class VideoCodec { h264, hevc };

/// Who makes H.264, HEVC or Motion JPEG.
enum class EncoderChoice {
    automatic,  ///< NVENC where it opens, else as x264
    x264,       ///< libx264 or libx265, or where libav comes without, another encoder that it has
    nvenc,      ///< h264_nvenc or hevc_nvenc and no other
    jpeg,       ///< Motion JPEG, for .avi and .mkv: by nvJPEG on `gpus`, by libjpeg where that cannot be
};

struct VideoFormat {
    int width = 0, height = 0;      ///< odd sizes are padded by one column or row, but for JPEG
    int fps_num = 25, fps_den = 1;  ///< nominal rate, for the encoder's rate control
    int threads = 0;                ///< encoder threads; 0 lets x264 choose
    EncoderChoice encoder = EncoderChoice::x264;
    VideoCodec codec = VideoCodec::h264;
    std::string preset = "veryfast";  ///< x264's and x265's name of how much work it takes to make the file small
    int crf = -1;      ///< their constant rate factor, 0 (H.264: lossless) to 51, NVENC's constant quality; -1: 23 for
                       ///< H.264, 28 for HEVC, which look alike
    int quality = -1;  ///< of JPEGs, libjpeg's, 1 to 100; -1: 90
    std::vector<int> gpus = {};             ///< that encode JPEGs, by CUDA's numbers; none: the CPU does
    int pixel_width = 1, pixel_height = 1;  ///< how wide a pixel is shown against how high
};

}  // namespace convoy::media
