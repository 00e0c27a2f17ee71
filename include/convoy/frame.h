// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>

#include <convoy/types.h>

namespace convoy {

/// A picture on its way into the engine. Copying it copies no pixels.
struct Frame {
    PixelView pixels;  ///< in host memory, or in that of the GPU that is to read it
    std::shared_ptr<const void>
        owner;  ///< keeps `pixels` alive; may be null when the caller does so until the result is back
    void* cuda_stream = nullptr;  ///< pixels in device memory: the stream (CUstream) on which they are written; null:
                                  ///< they are there already
    int stream = 0;               ///< which input it comes from; only handed through
    std::int64_t index = 0;       ///< its number within that input; only handed through
    double time_s = 0;            ///< presentation time in its input, seconds; only handed through
    /// How wide a pixel is shown against how high, where that is not as InputInfo has it (a broadcast that goes over
    /// from 4:3 to 16:9); else 0. Boxes are in pixels whatever their shape.
    int pixel_width = 0, pixel_height = 0;
    /// A place in a recording that has begun between two keyframes: no decoder can know this picture. The pixels are
    /// those of the first one that is known, and nothing is detected on them.
    bool undecodable = false;
    /// In the results of a run: the container's own stamp, seconds; not a number where it has none.
    double pts_s = std::numeric_limits<double>::quiet_NaN();
    /// When it was taken, by the wall clock: seconds since 1970 (UTC). Not a number where nobody knows. Of a live input
    /// by the sender's clock where its stream tells that (RTCP), else when it came; only handed through.
    double wall_time_s = std::numeric_limits<double>::quiet_NaN();
    /// When the packet that holds it was read, of a live input; the clock's zero where nobody knows. Handed through.
    std::chrono::steady_clock::time_point packet_at = {};
};

/// A frame of RGB pixels in host memory: (height, width, 3) bytes, `pitch` bytes from row to row (0: rows without
/// gaps). `owner` keeps them alive; it may be null when the caller does so until the result is back.
inline Frame rgb_frame(const void* rgb, int width, int height, int pitch = 0, std::shared_ptr<const void> owner = {}) {
    Frame frame;
    frame.pixels.format = PixelFormat::rgb8;
    frame.pixels.plane[0] = static_cast<const std::uint8_t*>(rgb);
    frame.pixels.pitch[0] = pitch ? pitch : 3 * width;
    frame.pixels.width = width, frame.pixels.height = height;
    frame.owner = std::move(owner);
    return frame;
}

}  // namespace convoy
