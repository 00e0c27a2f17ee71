// SPDX-License-Identifier: MIT
//
// What boxes and labels look like, whether they are drawn here or by a player.
#pragma once

#include <string>
#include <vector>

#include <convoy/detection.h>
#include "tools/media/draw/font.h"

namespace convoy::media {

/// Neighbouring class ids have colours that differ most.
Color class_color(int class_id);

/// Black or white, which can be read on it.
Color text_color(Color background);

/// In pixels: what a picture's size asks for.
struct Measures {
    Measures(int width, int height);
    int line, text, padding;
};

struct PixelRect {
    int x = 0, y = 0, w = 0, h = 0;
};

/// A box in whole pixels, clipped to the picture; not a number is the far edge.
PixelRect pixel_rect(const Box& box, int width, int height);

/// "person", or the number of a class without a name.
std::string name_of(int class_id, const std::vector<std::string>& names);

/// The same with the number of its track, where it has one: "person #12".
std::string name_of(const Detection& detection, const std::vector<std::string>& names);

/// "person 87 %"
std::string label_of(const Detection& detection, const std::vector<std::string>& names);

}  // namespace convoy::media
