// SPDX-License-Identifier: MIT
#include "engine/run/postprocess.h"

#include <algorithm>
#include <numeric>

#include "engine/run/box_overlap.h"

namespace convoy {
namespace {

std::vector<std::size_t> by_confidence(const std::vector<Detection>& detections) {
    std::vector<std::size_t> order(detections.size());
    std::iota(order.begin(), order.end(), std::size_t(0));
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return detections[a].confidence > detections[b].confidence; });
    return order;
}

void keep(std::vector<Detection>& detections, std::vector<std::size_t> chosen) {
    std::sort(chosen.begin(), chosen.end());
    for (std::size_t i = 0; i < chosen.size(); ++i) detections[i] = detections[chosen[i]];
    detections.resize(chosen.size());
}

void keep_strongest(std::vector<Detection>& detections, std::size_t count) {
    std::vector<std::size_t> order = by_confidence(detections);
    order.resize(count);
    keep(detections, std::move(order));
}

void suppress_across_classes(std::vector<Detection>& detections, float nms) {
    std::vector<std::size_t> kept;
    for (const std::size_t i : by_confidence(detections))
        if (std::none_of(kept.begin(), kept.end(), [&](std::size_t stronger) {
                return overlap(detections[stronger].box, detections[i].box) > nms;
            }))
            kept.push_back(i);
    keep(detections, std::move(kept));
}

bool has_centre_in(const IgnoredRegion& region, const Box& box, float width, float height) {
    const float across = region.share ? width : 1, down = region.share ? height : 1;
    const float x = box.x + box.w / 2 - region.box.x * across, y = box.y + box.h / 2 - region.box.y * down;
    return x >= 0 && y >= 0 && x < region.box.w * across && y < region.box.h * down;
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

void finish_picture(const DetectOptions& options, int width, int height, std::vector<Detection>& detections) {
    if (!options.classes.empty())
        std::erase_if(detections, [&](const Detection& d) {
            return std::find(options.classes.begin(), options.classes.end(), d.class_id) == options.classes.end();
        });
    if (const std::vector<float>& least = options.class_confidence; !least.empty())
        std::erase_if(detections,
                      [&](const Detection& d) { return !(d.confidence > least.at(std::size_t(d.class_id))); });
    if (options.nms_across_classes) suppress_across_classes(detections, options.nms);
    std::erase_if(detections, [&](const Detection& d) { return is_outside(d.box, float(width), float(height)); });
    for (Detection& d : detections) clip(d.box, float(width), float(height));
}

void finish_frame(const DetectOptions& options, int width, int height, std::vector<Detection>& detections) {
    std::erase_if(detections, [&](const Detection& d) {
        return d.box.w < options.min_size || d.box.h < options.min_size ||
               std::any_of(options.ignored.begin(), options.ignored.end(), [&](const IgnoredRegion& region) {
                   return has_centre_in(region, d.box, float(width), float(height));
               });
    });
    if (options.max_boxes > 0 && detections.size() > std::size_t(options.max_boxes))
        keep_strongest(detections, options.max_boxes);
}

}  // namespace convoy
