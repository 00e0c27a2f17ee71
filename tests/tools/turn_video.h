// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace convoy::test {

/// Copies a file's video into another whose container says: to be shown turned by so many degrees. By libav's own
/// muxer, since no option of ffmpeg says so to 5.1 and to 7.1. Throws std::runtime_error.
void turn_video(const std::string& from, const std::string& to, int degrees);

}  // namespace convoy::test
