// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <convoy/segment.h>

namespace convoy::media {

/// Counts a damage at `time_s` (NaN: not known) of the input `path`; the first one's sentence is kept.
void note_damage(SegmentNotes& notes, const std::string& path, double time_s, const std::string& what);

/// A picture whose pixel format libswscale does not know.
void note_unconvertible(SegmentNotes& notes, const std::string& path);

/// Throws Error(input): the video has not one frame. `notes` tell why.
[[noreturn]] void throw_no_frame(const SegmentNotes& notes, const std::string& path);

/// Adds the damage of what came after `notes`.
void add_damage(SegmentNotes& notes, const SegmentNotes& later);

}  // namespace convoy::media
