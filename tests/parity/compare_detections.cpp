// SPDX-License-Identifier: MIT
#include "tests/parity/compare_detections.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace convoy::test {
namespace {

constexpr float kConfidenceBound = 1e-4f;

float box_error(const Box& a, const Box& b) {
    return std::max({std::fabs(a.x - b.x), std::fabs(a.y - b.y), std::fabs(a.w - b.w), std::fabs(a.h - b.h)});
}

bool same(const Detection& a, const Detection& b, float bound) {
    return a.class_id == b.class_id && std::fabs(a.confidence - b.confidence) <= kConfidenceBound &&
           box_error(a.box, b.box) <= bound;
}

std::string text(const Detection& d) {
    char out[120];
    std::snprintf(out, sizeof out, "class %d %.6f [%.4f %.4f %.4f %.4f]", d.class_id, d.confidence, d.box.x, d.box.y,
                  d.box.w, d.box.h);
    return out;
}

// A confidence so close to the threshold that rounding alone decides whether it is listed.
bool borderline(const Detection& d) { return std::fabs(d.confidence - kValidThreshold) < 2e-6f; }

void count(const Detection& ours, const Detection& darknets, Tally& tally) {
    tally.worst_box = std::max(tally.worst_box, box_error(ours.box, darknets.box));
    tally.worst_confidence = std::max(tally.worst_confidence, std::fabs(ours.confidence - darknets.confidence));
    ++tally.compared;
}

}  // namespace

EngineOptions as_valid() {
    EngineOptions o;
    o.precision = Precision::fp32;
    o.batch_norm = BatchNormFormula::pjreddie;
    o.detect.confidence = kValidThreshold;
    o.detect.nms = .45f;
    o.detect.resize = Resize::darknet;
    return o;
}

Frame frame_of(const media::Image& image) {
    Frame f;
    f.pixels.plane[0] = image.rgb.data();
    f.pixels.pitch[0] = 3 * image.width;
    f.pixels.width = image.width;
    f.pixels.height = image.height;
    return f;
}

void forget_newer_keys(Network& network) {
    for (Layer& layer : network.layers)
        if (auto* yolo = std::get_if<YoloLayer>(&layer.kind)) {
            yolo->nms_kind = NmsKind::iou;
            yolo->scale_x_y = 1;
        }
}

// Rounding happens in network pixels and grows with the picture: .01 px is for a network of 416.
float box_bound(const Network& network) { return .01f * std::max(1.f, 416.f / float(network.input.w)); }

std::string compare_in_order(const std::vector<Detection>& ours, const std::vector<Detection>& darknets, float bound,
                             Tally& tally) {
    std::size_t i = 0, j = 0;
    while (i < ours.size() || j < darknets.size()) {
        if (i < ours.size() && j < darknets.size() && same(ours[i], darknets[j], bound)) {
            count(ours[i++], darknets[j++], tally);
        } else if (i < ours.size() && borderline(ours[i])) {
            ++tally.borderline, ++i;
        } else if (j < darknets.size() && borderline(darknets[j])) {
            ++tally.borderline, ++j;
        } else {
            return "place " + std::to_string(i) + ": ours " + (i < ours.size() ? text(ours[i]) : "none") +
                   ", darknet's " + (j < darknets.size() ? text(darknets[j]) : "none");
        }
    }
    return {};
}

std::string compare_unordered(const std::vector<Detection>& ours, const std::vector<Detection>& darknets, float bound,
                              Tally& tally) {
    std::vector<Detection> darknet = darknets;
    const auto judge = [&](const Detection& lone, const char* whose) {
        if (borderline(lone)) return ++tally.borderline, std::string();
        return whose + text(lone);
    };
    for (const Detection& d : ours) {
        const auto match =
            std::find_if(darknet.begin(), darknet.end(), [&](const Detection& e) { return same(d, e, bound); });
        if (match != darknet.end()) {
            count(d, *match, tally);
            darknet.erase(match);
        } else if (const std::string lone = judge(d, "only ours: "); !lone.empty()) {
            return lone;
        }
    }
    for (const Detection& d : darknet)
        if (const std::string lone = judge(d, "only darknet's: "); !lone.empty()) return lone;
    return {};
}

}  // namespace convoy::test
