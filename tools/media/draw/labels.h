// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include <convoy/media/draw.h>
#include "tools/media/draw/look.h"

namespace convoy::media {

/// A label and its place. Whoever draws it with another font keeps it at the corner that `right` and `bottom` name.
struct PlacedLabel {
    std::string text;
    PixelRect place;
    bool right = false, bottom = false;
};

/// What labels are laid out for.
struct LabelLayout {
    int width = 0, height = 0;                                  ///< of the picture
    int label_height = 0, padding = 0;                          ///< padding: left and right of a text
    PixelRect taken = {};                                       ///< by the caption
    std::function<int(const std::string& text)> width_of = {};  ///< a text's, in pixels
};

/// A label for each detection, in their order: at the edge of its box, inside the picture, and where it covers least
/// of other labels, of other boxes and of its own. The surest are placed first. A box that is narrow for its label gets
/// the name alone. Nothing for LabelStyle::none.
std::vector<PlacedLabel> place_labels(std::span<const Detection> detections, const std::vector<std::string>& names,
                                      LabelStyle style, const LabelLayout& layout);

}  // namespace convoy::media
