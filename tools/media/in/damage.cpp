// SPDX-License-Identifier: MIT
#include "tools/media/in/damage.h"

#include <cmath>
#include <cstdio>

namespace convoy::media {

void note_damage(SegmentNotes& notes, const std::string& path, double time_s, const std::string& what) {
    if (notes.damaged++ > 0) return;
    char where[40] = "";
    if (std::isfinite(time_s)) std::snprintf(where, sizeof where, ", near %.2f s", time_s);
    notes.first_damage = "'" + path + "'" + where + ": " + what;
}

void note_unconvertible(SegmentNotes& notes, const std::string& path) {
    note_damage(notes, path, std::nan(""), "a picture's pixel format cannot be converted to RGB");
}

void add_damage(SegmentNotes& notes, const SegmentNotes& later) {
    if (notes.damaged == 0) notes.first_damage = later.first_damage;
    notes.damaged += later.damaged;
}

}  // namespace convoy::media
