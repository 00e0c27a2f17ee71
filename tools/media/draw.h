// SPDX-License-Identifier: MIT
//
// Boxes and labels on pictures, with a real font.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/detection.h"
#include "tools/media/image.h"

namespace convoy::media {

/// Draws every detection as a box in its class's colour with "class 87 %", and `caption` (e.g. "7.4 ms") in the top left corner.
/// Line width and text size follow the picture's size. Labels stay inside the picture. `names` may be shorter than the class ids:
/// then the number is drawn.
void annotate(Image& image, std::span<const Detection> detections, std::span<const std::string> names,
              const std::string& caption);

/// A grid of evenly chosen pictures with their captions, for a look at a whole video at once.
class ContactSheet {
public:
    /// Tiles are scaled to `tile_width`; at most `columns * rows` are kept, chosen evenly however many are added.
    ContactSheet(int columns, int rows, int tile_width);
    void add(const Image& image, const std::string& caption);
    bool empty() const { return tiles_.empty(); }
    Image render() const;

private:
    struct Tile {
        Image image;
        std::string caption;
    };
    int columns_, rows_, tile_width_;
    std::size_t seen_ = 0, keep_every_ = 1;
    std::vector<Tile> tiles_;
};

}  // namespace convoy::media
