// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <convoy/frame.h>
#include "tools/media/av_handles.h"
#include "tools/media/in/frame_pool.h"
#include "tools/media/in/video_stream.h"
#include "tools/media/pictures/rgb_converter.h"

namespace convoy::media {

/// Why pictures like this cannot go to the engine as NV12, in a few words ("10 bits"); empty when they can. A matrix
/// that is not stated is BT.601 below 720 rows, else BT.709: neither is an obstacle.
std::string nv12_obstacle(AVPixelFormat format, AVColorSpace matrix, Orientation orientation);

/// Decoded pictures as the engine's frames: 8-bit 4:2:0 sample by sample as NV12, the rest as RGB8, upright. Pixels of
/// host memory come from a pool; those that lie in a GPU's memory stay where they are.
class FrameMaker {
public:
    enum class Form { engine, rgb8 };  ///< rgb8: NV12 is not wanted
    /// `cuda_stream`: on which pictures in device memory are written.
    explicit FrameMaker(VideoStreamPtr stream, Form form = Form::engine, void* cuda_stream = nullptr);

    /// Empties `picture`. Nothing when its pixel format cannot be converted, or is one in device memory that the engine
    /// cannot read.
    std::optional<Frame> make(AVFrame& picture);

private:
    void set_pixel_shape(AVRational shape, Frame& out) const;
    void interleave(const AVFrame& picture, Frame& out);
    bool convert(const AVFrame& picture, Frame& out);
    bool lend(AVFrame& picture, Frame& out) const;

    VideoStreamPtr stream_;
    Form form_;
    void* cuda_stream_;
    RgbConverter converter_;
    FramePool pool_;
    std::vector<std::uint8_t> unturned_;  // RGB as stored, when the video is shown turned
};

}  // namespace convoy::media
