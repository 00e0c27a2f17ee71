// SPDX-License-Identifier: MIT
//
// Boxes and labels on pictures, with a real font.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/detection.h"
#include "tools/media/image.h"

namespace convoy::media {

class Fonts;

/// Draws detections on pictures; keeps the glyphs that it has drawn once. One object serves one thread.
class Annotator {
public:
    /// `names` may be shorter than the class ids: then the number is drawn. Names are UTF-8.
    explicit Annotator(std::vector<std::string> names);
    ~Annotator();
    Annotator(Annotator&&) noexcept;
    Annotator& operator=(Annotator&&) noexcept;

    /// Draws every detection as a box in its class's colour with "class 87 %", and `caption` (e.g. "7.4 ms"), unless
    /// empty, in the top left corner. Line width and text size follow the picture's size. Labels stay inside the
    /// picture.
    void annotate(Image& image, std::span<const Detection> detections, const std::string& caption);

private:
    std::vector<std::string> names_;
    std::unique_ptr<Fonts> fonts_;
};

/// A grid of evenly chosen pictures with their captions, for a look at a whole video at once.
class ContactSheet {
public:
    /// Pictures are scaled to `tile_width` (and at most twice that height); at most `columns * rows` are shown, chosen
    /// evenly however many are added.
    ContactSheet(int columns, int rows, int tile_width);
    void add(const Image& image, const std::string& caption);
    bool empty() const { return tiles_.empty(); }
    /// The sheet of what was added so far, with as many columns and rows as that takes.
    Image render() const;

private:
    struct Tile {
        Image image;
        std::string caption;
    };
    int columns_, rows_, tile_width_;
    std::int64_t seen_ = 0, keep_every_ = 1;
    std::vector<Tile> tiles_;  // every keep_every_-th picture, at most 4 * columns * rows
};

}  // namespace convoy::media
