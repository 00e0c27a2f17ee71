// SPDX-License-Identifier: MIT
//
// Boxes and labels as subtitles in the format of Advanced SubStation Alpha, which players draw over a video.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include <convoy/detection.h>
#include <convoy/media/draw.h>

namespace convoy::media {

/// Coordinates are pixels of a picture of one size, whatever size it is shown at.
class AssScript {
public:
    /// `names` as Annotator takes them.
    AssScript(std::vector<std::string> names, int width, int height, LabelStyle labels = LabelStyle::full);

    /// All that comes before the first event: for each class a style of its boxes, "person", and one of its labels,
    /// "person label"; "other" and "other label" for classes without a name; "zone" and "zone label".
    std::string header() const;
    /// What is shown as long as one picture of width x height is: one event with all outlines and one per outline's
    /// label, in the style "zone"; one event per class with all its boxes, one per label, which stays inside. As a
    /// subtitle track has it: "ReadOrder,Layer,Style,Name,MarginL,MarginR,MarginV,Effect,Text", numbered from
    /// `read_order` on, which is moved.
    std::vector<std::string> events(std::span<const Detection> detections, int width, int height, int& read_order,
                                    std::span<const Outline> outlines = {}) const;

private:
    using AddEvent = std::function<void(int layer, const std::string& style, const std::string& text)>;
    void add_outlines(std::span<const Outline> outlines, float across, float down, const AddEvent& add) const;
    std::string style_of(int class_id) const;

    std::vector<std::string> names_, styles_;
    int width_, height_;
    LabelStyle labels_;
};

}  // namespace convoy::media
