// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

#include <convoy/export.h>
#include <convoy/media/image.h>
#include <convoy/media/video_format.h>

namespace convoy::media {

/// An H.264 or HEVC video (yuv420p, by default libx264's) in the container that the path's ending names (.mp4, .mkv,
/// .mov), or Motion JPEG (.mkv, .avi). The file is written under a temporary name beside `path` and takes its name in
/// close(), so a file of that name is always whole; an object destroyed without close() leaves nothing behind.
class CONVOY_API VideoWriter {
public:
    /// Throws Error(output) when the file cannot be created, Error(unsupported) when libav has no such encoder,
    /// Error(usage) for another ending or an impossible format.
    VideoWriter(const std::string& path, const VideoFormat& format);
    ~VideoWriter();
    VideoWriter(VideoWriter&&) noexcept;
    VideoWriter& operator=(VideoWriter&&) noexcept;

    /// Appends a picture of the format's size, shown from `time_s` on, kept to 1/90000 s (.mkv: 1 ms, .avi: a frame at
    /// the nominal rate). Times must rise; an equal or earlier one is moved to the next tick. Throws Error(output),
    /// e.g. on a full disk, and Error(usage) for a picture of another size.
    void write(const Image& image, double time_s);
    /// Flushes the encoder and finishes the file; does nothing when that is done. Throws Error(output), also when
    /// nothing was written.
    void close();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace convoy::media
