// SPDX-License-Identifier: MIT
//
// Videos and pictures as frames for the engine, over libav and stb_image.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/frame.h"

namespace convoy::media {

struct SourceInfo {
    std::string path;
    bool is_video = false;            ///< false: one picture
    int width = 0, height = 0;        ///< of the first frame, display orientation
    int fps_num = 0, fps_den = 1;     ///< average frame rate; fps_num is 0 when unknown (pictures)
    std::int64_t frames_estimate = 0; ///< from the container, 0 when unknown; only for progress
    double duration_s = 0;            ///< 0 when unknown
};

/// One input, read in presentation order by one thread.
class Source {
public:
    virtual ~Source() = default;
    virtual const SourceInfo& info() const = 0;
    /// The next frame, RGB8, owning its pixels, index counted from 0, time_s from the container's time stamps relative to the first frame.
    /// nullopt at the end. Damaged packets cost their frames and are counted; a stream that is cut short ends cleanly.
    virtual std::optional<Frame> next() = 0;
    /// Damage met so far: packets or frames that could not be decoded. The sentence names the first of them.
    virtual std::int64_t damaged() const = 0;
    virtual const std::string& first_damage() const = 0;
};

struct SourceOptions {
    int threads = 0;  ///< decoder threads; 0 lets libav choose
};

/// Opens a video or picture. Throws Error(input) that names the file when it is missing, empty, unreadable, of no known
/// kind, or holds no video stream or not one decodable frame.
std::unique_ptr<Source> open_source(const std::string& path, const SourceOptions& options = {});

/// Files as they are, folders as the pictures and videos directly inside them in natural order (2.jpg before 10.jpg).
/// Throws Error(input) for a path that does not exist or a folder without any.
std::vector<std::string> expand_inputs(const std::vector<std::string>& paths);

}  // namespace convoy::media
