// SPDX-License-Identifier: MIT
#include "tools/eval/preset.h"

#include "tests/support/catch.h"

using namespace convoy;

namespace {

/// Whether scale_x_y is forgotten in a network of `kind` and a head that has it.
bool forgets_beside(LayerKind kind) {
    YoloLayer head;
    head.scale_x_y = 1.05f;
    head.nms_kind = NmsKind::diou;
    Network network;
    network.layers.push_back({std::move(kind), {}, {}});
    network.layers.push_back({head, {}, {}});
    const bool changed = eval::forget_newer_keys(network);
    const auto& after = std::get<YoloLayer>(network.layers[1].kind);
    CHECK((after.scale_x_y == 1.f) == changed);
    CHECK((after.nms_kind == NmsKind::iou) == changed);
    return changed;
}

}  // namespace

TEST_CASE("newer keys are forgotten only in networks that pjreddie's program computes") {
    for (const Activation a : {Activation::linear, Activation::leaky, Activation::elu, Activation::stair}) {
        ConvolutionalLayer conv;
        conv.activation = a;
        CHECK(forgets_beside(conv));
    }
    CHECK(forgets_beside(MaxpoolLayer()));
    CHECK(forgets_beside(ReorgLayer()));
    CHECK(forgets_beside(RegionLayer()));
    CHECK(forgets_beside(ShortcutLayer{{0}}));
    CHECK(forgets_beside(RouteLayer{{0}}));

    for (const Activation a :
         {Activation::mish, Activation::swish, Activation::relu6, Activation::normalize_channels}) {
        ConvolutionalLayer conv;
        conv.activation = a;
        CHECK_FALSE(forgets_beside(conv));
        CHECK_FALSE(forgets_beside(ShortcutLayer{{0}, a}));
    }
    ConvolutionalLayer dilated, blurred, shared, uneven;
    dilated.dilation = 2;
    blurred.antialiasing = 1;
    shared.share = 0;
    uneven.stride_y = 2;
    MaxpoolLayer deep;
    deep.depth = 2;
    YoloLayer new_coords;
    new_coords.new_coords = true;
    for (const LayerKind& kind :
         {LayerKind(dilated), LayerKind(blurred), LayerKind(shared), LayerKind(uneven), LayerKind(deep),
          LayerKind(new_coords), LayerKind(SamLayer()), LayerKind(ScaleChannelsLayer()), LayerKind(Reorg3dLayer()),
          LayerKind(LocalAvgpoolLayer()), LayerKind(BatchnormLayer()), LayerKind(GaussianYoloLayer()),
          LayerKind(ShortcutLayer{{0, 0}}), LayerKind(RouteLayer{{0}, 2, 1})})
        CHECK_FALSE(forgets_beside(kind));
}
