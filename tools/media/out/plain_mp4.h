// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

extern "C" {
#include <libavformat/avformat.h>
}

namespace convoy::media {

/// Whether it is of that kind: MP4 or MOV.
bool is_mp4(const AVOutputFormat* container);

/// Copies an MP4 or MOV of fragments, which plays however its writer ended, as a plain one with its index in front,
/// in which every player can seek: packet for packet, in one pass. `packets` is how many there are at most, of all
/// tracks; the last picture is shown for `frame_s`; `wait` is the longest that one waits from its decoding to its
/// showing, in ticks of 1/90000 s. Throws Error(output), which calls the file `name`.
void copy_as_plain_mp4(const std::string& fragments, const std::string& to, const std::string& name,
                       const AVOutputFormat& container, std::int64_t packets, AVRational frame_s, std::int64_t wait);

}  // namespace convoy::media
