// SPDX-License-Identifier: MIT
#include "tools/eval/preset.h"

#include <algorithm>

namespace convoy::eval {
namespace {

bool known_to_pjreddie(const Layer& layer) {
    constexpr Activation known[] = {Activation::linear, Activation::leaky, Activation::relu, Activation::logistic};
    if (const auto* conv = std::get_if<ConvolutionalLayer>(&layer.kind))
        return std::find(std::begin(known), std::end(known), conv->activation) != std::end(known);
    if (const auto* route = std::get_if<RouteLayer>(&layer.kind)) return route->groups == 1;
    if (const auto* yolo = std::get_if<YoloLayer>(&layer.kind)) return !yolo->new_coords;
    return true;
}

}  // namespace

const std::vector<Preset>& presets() {
    static const std::vector<Preset> all = {
        {"pjreddie-valid", .005f, .45f, Fit::letterbox, BatchNormFormula::pjreddie, false, true},
        {"alexeyab-valid", .001f, .6f, Fit::stretch, BatchNormFormula::alexeyab, true, false},
        {"alexeyab-map", .005f, .45f, Fit::stretch, BatchNormFormula::alexeyab, true, false},
    };
    return all;
}

const Preset& find_preset(const std::string& name) {
    return *std::find_if(presets().begin(), presets().end(), [&](const Preset& p) { return p.name == name; });
}

void apply(const Preset& preset, EngineOptions& options) {
    options.detect.confidence = preset.confidence;
    options.detect.nms = preset.nms;
    options.detect.fit = preset.fit;
    options.detect.resize = Resize::darknet;
    options.batch_norm = preset.batch_norm;
}

bool forget_newer_keys(Network& network) {
    if (!std::all_of(network.layers.begin(), network.layers.end(), known_to_pjreddie)) return false;
    bool changed = false;
    for (Layer& layer : network.layers)
        if (auto* yolo = std::get_if<YoloLayer>(&layer.kind)) {
            changed = changed || yolo->scale_x_y != 1.f || yolo->nms_kind != NmsKind::iou;
            yolo->scale_x_y = 1.f;
            yolo->nms_kind = NmsKind::iou;
        }
    return changed;
}

}  // namespace convoy::eval
