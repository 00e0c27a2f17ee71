// SPDX-License-Identifier: MIT
#include "engine/run/postprocess.h"

#include <algorithm>
#include <functional>

namespace convoy {
namespace {

void keep_strongest(std::vector<Detection>& detections, std::size_t count) {
    std::vector<std::size_t> order(detections.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return detections[a].confidence > detections[b].confidence; });
    order.resize(count);
    std::sort(order.begin(), order.end());
    for (std::size_t i = 0; i < count; ++i) detections[i] = detections[order[i]];
    detections.resize(count);
}

// In a letterbox's bars, say.
bool is_outside(const Box& box, float width, float height) {
    return !(box.x < width && box.y < height && box.x + box.w > 0 && box.y + box.h > 0);
}

void clip(Box& box, float width, float height) {
    const float right = std::min(box.x + box.w, width), bottom = std::min(box.y + box.h, height);
    box.x = std::max(box.x, 0.f);
    box.y = std::max(box.y, 0.f);
    box.w = std::max(right - box.x, 0.f);
    box.h = std::max(bottom - box.y, 0.f);
}

}  // namespace

void finish_detections(const DetectOptions& options, int width, int height, std::vector<Detection>& detections) {
    if (!options.classes.empty())
        std::erase_if(detections, [&](const Detection& d) {
            return std::find(options.classes.begin(), options.classes.end(), d.class_id) == options.classes.end();
        });
    std::erase_if(detections, [&](const Detection& d) { return is_outside(d.box, float(width), float(height)); });
    if (options.max_boxes > 0 && detections.size() > std::size_t(options.max_boxes))
        keep_strongest(detections, options.max_boxes);
    for (Detection& d : detections) clip(d.box, float(width), float(height));
}

}  // namespace convoy
