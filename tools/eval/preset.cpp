// SPDX-License-Identifier: MIT
#include "tools/eval/preset.h"

#include <algorithm>
#include <variant>

namespace convoy::eval {
namespace {

bool known_to_pjreddie(Activation activation) {
    constexpr Activation newer[] = {Activation::mish, Activation::swish, Activation::relu6, Activation::hard_mish,
                                    Activation::gelu};
    return !is_of_channels(activation) && std::find(std::begin(newer), std::end(newer), activation) == std::end(newer);
}

/// What his program of 2018 computes, and not merely reads.
struct KnownToPjreddie {
    bool operator()(const ConvolutionalLayer& layer) const {
        return known_to_pjreddie(layer.activation) && layer.stride_x == layer.stride_y && layer.dilation == 1 &&
               layer.antialiasing == 0 && layer.share < 0;
    }
    bool operator()(const ShortcutLayer& layer) const {
        return known_to_pjreddie(layer.activation) && layer.from.size() == 1;
    }
    bool operator()(const RouteLayer& layer) const { return layer.groups == 1; }
    bool operator()(const MaxpoolLayer& layer) const {
        return layer.stride_x == layer.stride_y && layer.antialiasing == 0 && layer.depth == 0;
    }
    bool operator()(const ActivationLayer& layer) const { return known_to_pjreddie(layer.activation); }
    bool operator()(const ConnectedLayer& layer) const { return known_to_pjreddie(layer.activation); }
    bool operator()(const LocalLayer& layer) const { return known_to_pjreddie(layer.activation); }
    bool operator()(const YoloLayer& layer) const { return !layer.new_coords; }
    bool operator()(const BatchnormLayer&) const { return false; }  // it reads that and crashes
    bool operator()(const LocalAvgpoolLayer&) const { return false; }
    bool operator()(const Reorg3dLayer&) const { return false; }
    bool operator()(const SamLayer&) const { return false; }
    bool operator()(const ScaleChannelsLayer&) const { return false; }
    bool operator()(const GaussianYoloLayer&) const { return false; }
    template <typename Other>
    bool operator()(const Other&) const {
        return true;
    }
};

bool is_known(const Layer& layer) { return std::visit(KnownToPjreddie(), layer.kind); }

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
    if (!std::all_of(network.layers.begin(), network.layers.end(), is_known)) return false;
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
