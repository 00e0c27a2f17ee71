// SPDX-License-Identifier: MIT
//
// What the tests of tools/media share: files to read, break and throw away.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <convoy/error.h>
#include <convoy/frame.h>
#include <convoy/media/image.h>

namespace convoy::test {

using Bytes = std::vector<std::uint8_t>;

/// An empty folder that goes with the object.
class TempFolder {
public:
    TempFolder();
    ~TempFolder();
    TempFolder(const TempFolder&) = delete;
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    const std::string& path() const { return path_; }
    std::vector<std::string> names() const;

private:
    std::string path_;
};

/// The shipped clip: 240 frames of 768x576, 10 frames/s.
std::string clip();

Bytes read_bytes(const std::string& path);
void write_bytes(const std::string& path, const Bytes& bytes);

/// What a command prints, in bytes; empty when it fails or is not installed. Its standard error is dropped.
Bytes output_of(const std::string& command);
bool has_ffmpeg();

/// Runs ffmpeg to make a video. False, with a printed note and nothing left of it, where ffmpeg is missing or lacks
/// what that takes.
bool make_video(const std::string& arguments, const std::string& path);

/// A copy of a frame's pixels without gaps between rows.
media::Image copy_of(const Frame& frame);

/// A smooth colourful picture that differs with `seed`.
media::Image synthetic(int width, int height, int seed);

/// Peak signal-to-noise ratio in dB over the common area.
double psnr(const media::Image& a, const media::Image& b);

/// The kind and sentence of the Error that `f` throws; a failed test when it throws none.
Error error_of(const std::function<void()>& f);

}  // namespace convoy::test
