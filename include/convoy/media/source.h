// SPDX-License-Identifier: MIT
//
// Videos and pictures as RGB frames in sequence, for one thread. An engine's run takes inputs instead:
// <convoy/media/input.h>.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <convoy/export.h>
#include <convoy/frame.h>
#include <convoy/media/input.h>

namespace convoy::media {

using SourceInfo = InputInfo;

/// One input, read in presentation order by one thread.
class CONVOY_API Source {
public:
    virtual ~Source() = default;
    virtual const SourceInfo& info() const = 0;
    /// The next frame: RGB8, owning its pixels, index counted from 0, time_s from the container's time stamps relative
    /// to the first frame (without stamps: continued at the frame rate). Its size may differ from info()'s. nullopt at
    /// the end. Damaged packets cost their frames and are counted; a stream that is cut short ends cleanly.
    virtual std::optional<Frame> next() = 0;
    /// Damage met so far: packets and frames that could not be decoded, frames that were in part (they are delivered),
    /// a file that ends early. The sentence names the first of them, "" when there is none. With several decoder
    /// threads libav before 7.0 does not always tell of a part that it has concealed; with one it does.
    virtual std::int64_t damaged() const = 0;
    virtual const std::string& first_damage() const = 0;
};

struct SourceOptions {
    int threads = 0;  ///< decoder threads; 0 lets libav choose
};

/// Opens a picture (is_picture), or else the best video stream that libav finds in the file
/// or URL ("rtsp://…"; one that sends nothing for 30 s ends). Turned and mirrored recordings come upright; the sample
/// aspect ratio is ignored: a frame has the pixels that were stored, at most 2^28. A frame's buffer comes from a pool
/// that grows to as many as are alive at one time; frames may outlive the source. Throws Error(input) that names the
/// file when it is missing, empty, unreadable, of no known kind, or holds no video stream or not one decodable frame.
CONVOY_API std::unique_ptr<Source> open_source(const std::string& path, const SourceOptions& options = {});

}  // namespace convoy::media
