// SPDX-License-Identifier: MIT
//
// Boxes and labels on pictures, with a real font.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <convoy/detection.h>
#include <convoy/export.h>
#include <convoy/media/image.h>

namespace convoy::media {

class Canvas;
class Fonts;

/// What a box's label says.
enum class LabelStyle {
    none,  ///< there is none
    name,  ///< "person"
    full,  ///< "person 87 %", or "person" where the box is narrow
};

/// A line, or a shape of lines, with a label at its first point.
struct Outline {
    struct Point {
        float x = 0, y = 0;  ///< pixels
    };
    std::vector<Point> points;
    bool closed = false;  ///< the last point is joined to the first
    std::string label;
};

/// Makes what is in the box, and a few pixels around it, a pattern of squares that shows nothing of it: eight along the
/// box's longer side, or fewer. Boxes may lie partly outside of the picture.
CONVOY_API void pixelate(Image& image, const Box& box);
CONVOY_API void pixelate(Nv12Image& image, const Box& box);

/// Draws detections on pictures; keeps the glyphs that it has drawn once. One object serves one thread.
class CONVOY_API Annotator {
public:
    /// `names` may be shorter than the class ids: then the number is drawn. Names are UTF-8.
    explicit Annotator(std::vector<std::string> names, LabelStyle labels = LabelStyle::full);
    ~Annotator();
    Annotator(Annotator&&) noexcept;
    Annotator& operator=(Annotator&&) noexcept;

    /// Draws every detection as a box in its class's colour with a label, and `caption` (e.g. "7.4 ms"), unless empty,
    /// in the top left corner; a detection's track is part of its label. Outlines lie under all of it. Line width and
    /// text size follow the picture's size. Labels stay inside the picture, and go where they cover least of each other
    /// and of what is in boxes. Throws Error(usage) for an image that is not whole.
    void annotate(Image& image, std::span<const Detection> detections, const std::string& caption,
                  std::span<const Outline> outlines = {});
    void annotate(Nv12Image& image, std::span<const Detection> detections, const std::string& caption,
                  std::span<const Outline> outlines = {});

private:
    void draw(const Canvas& canvas, std::span<const Detection> detections, const std::string& caption,
              std::span<const Outline> outlines);

    std::vector<std::string> names_;
    LabelStyle labels_;
    std::unique_ptr<Fonts> fonts_;
};

}  // namespace convoy::media
