// SPDX-License-Identifier: MIT
#include "tools/media/in/damage.h"

#include <cmath>
#include <cstdio>

#include <convoy/media/input.h>
#include "tools/media/files.h"

namespace convoy::media {

void note_damage(SegmentNotes& notes, const std::string& path, double time_s, const std::string& what) {
    if (notes.damaged++ > 0) return;
    char where[40] = "";
    constexpr double kSensible_s = 1e9;  // what stands behind a file's end is no time stamp
    if (std::fabs(time_s) < kSensible_s) std::snprintf(where, sizeof where, ", near %.2f s", time_s);
    notes.first_damage = std::string("'").append(without_passwords(path)).append("'").append(where);
    notes.first_damage.append(": ").append(without_passwords(what));
}

void note_unconvertible(SegmentNotes& notes, const std::string& path) {
    note_damage(notes, path, std::nan(""), "a picture's pixel format cannot be converted to RGB");
}

void throw_no_frame(const SegmentNotes& notes, const std::string& path) {
    throw_input(path, "has a video stream but not one frame that can be decoded" +
                          (notes.damaged > 0 ? " (" + notes.first_damage + ")" : std::string()) +
                          "; copy or record it again");
}

void add_damage(SegmentNotes& notes, const SegmentNotes& later) {
    if (notes.damaged == 0) notes.first_damage = later.first_damage;
    notes.damaged += later.damaged;
}

}  // namespace convoy::media
