// SPDX-License-Identifier: MIT
//
// Boxes and labels on pictures, with a real font.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <convoy/detection.h>
#include <convoy/media/image.h>

namespace convoy::media {

class Canvas;
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
    /// picture. Throws Error(usage) for an image that is not whole.
    void annotate(Image& image, std::span<const Detection> detections, const std::string& caption);
    void annotate(Nv12Image& image, std::span<const Detection> detections, const std::string& caption);

private:
    void draw(const Canvas& canvas, std::span<const Detection> detections, const std::string& caption);

    std::vector<std::string> names_;
    std::unique_ptr<Fonts> fonts_;
};

}  // namespace convoy::media
