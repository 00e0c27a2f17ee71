// SPDX-License-Identifier: MIT
#include "tools/media/draw/labels.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

namespace convoy::media {
namespace {

constexpr std::size_t kMostLaidOut = 200;  // of more nobody could read one, and each is compared with all

// What it costs to cover all of a label's area: of another label, of its own box, of others.
constexpr double kOverLabel = 8, kOverOwnBox = 1.5, kOverBox = 1;
constexpr double kLaterPlace = .08;  // a place that is named later must be better by this

double overlap(const PixelRect& a, const PixelRect& b) {
    const int w = std::min(a.x + a.w, b.x + b.w) - std::max(a.x, b.x);
    const int h = std::min(a.y + a.h, b.y + b.h) - std::max(a.y, b.y);
    return w > 0 && h > 0 ? double(w) * h : 0;
}

/// Above a box, below it, inside of it, beside it; moved into the picture where it would leave it.
std::vector<PlacedLabel> places_at(const PixelRect& box, int w, const LabelLayout& layout) {
    const int h = layout.label_height, right = box.x + box.w, bottom = box.y + box.h;
    const PlacedLabel all[] = {
        {{}, {box.x, box.y - h, w, h}, false, true},  {{}, {right - w, box.y - h, w, h}, true, true},
        {{}, {box.x, bottom, w, h}, false, false},    {{}, {box.x, box.y, w, h}, false, false},
        {{}, {box.x, bottom - h, w, h}, false, true}, {{}, {right, box.y, w, h}, false, false},
        {{}, {box.x - w, box.y, w, h}, true, false}};
    std::vector<PlacedLabel> places(std::begin(all), std::end(all));
    for (PlacedLabel& label : places) {
        PixelRect& place = label.place;
        label.right = place.x + w > layout.width || (label.right && place.x >= 0);
        label.bottom = place.y + h > layout.height || (label.bottom && place.y >= 0);
        place.x = std::max(0, std::min(place.x, layout.width - w));
        place.y = std::max(0, std::min(place.y, layout.height - h));
    }
    return places;
}

class Layout {
public:
    Layout(std::span<const Detection> detections, const LabelLayout& layout) : layout_(layout) {
        for (const Detection& d : detections) boxes_.push_back(pixel_rect(d.box, layout.width, layout.height));
    }

    const PixelRect& box(std::size_t number) const { return boxes_[number]; }

    PlacedLabel place(std::size_t number, const std::string& text) {
        const int w = layout_.width_of(text) + 2 * layout_.padding;
        const std::vector<PlacedLabel> places = places_at(boxes_[number], w, layout_);
        std::size_t best = 0;
        double least = std::numeric_limits<double>::max();
        for (std::size_t i = 0; i < places.size() && boxes_.size() <= kMostLaidOut; ++i) {
            const double cost = cost_of(places[i].place, number) + kLaterPlace * double(i);
            if (cost < least) least = cost, best = i;
        }
        PlacedLabel label = places[best];
        label.text = text;
        placed_.push_back(label.place);
        return label;
    }

private:
    double cost_of(const PixelRect& place, std::size_t own) const {
        double covered = kOverLabel * overlap(place, layout_.taken);
        for (const PixelRect& label : placed_) covered += kOverLabel * overlap(place, label);
        for (std::size_t i = 0; i < boxes_.size(); ++i)
            covered += (i == own ? kOverOwnBox : kOverBox) * overlap(place, boxes_[i]);
        return covered / std::max(1., double(place.w) * place.h);
    }

    const LabelLayout& layout_;
    std::vector<PixelRect> boxes_, placed_;
};

}  // namespace

std::vector<PlacedLabel> place_labels(std::span<const Detection> detections, const std::vector<std::string>& names,
                                      LabelStyle style, const LabelLayout& layout) {
    if (style == LabelStyle::none) return {};
    std::vector<std::size_t> order(detections.size());
    std::iota(order.begin(), order.end(), std::size_t(0));
    const auto strength = [&](std::size_t i) {
        return std::isnan(detections[i].confidence) ? 0 : detections[i].confidence;
    };
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return strength(a) > strength(b); });
    Layout laid_out(detections, layout);
    std::vector<PlacedLabel> labels(detections.size());
    for (const std::size_t number : order) {
        const Detection& detection = detections[number];
        std::string text = label_of(detection, names);
        const int room = 2 * laid_out.box(number).w;
        if (style == LabelStyle::name || layout.width_of(text) + 2 * layout.padding > room)
            text = name_of(detection, names);
        labels[number] = laid_out.place(number, text);
    }
    return labels;
}

}  // namespace convoy::media
