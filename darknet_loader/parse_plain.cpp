// SPDX-License-Identifier: MIT
//
// The layers without weights.
#include "darknet_loader/layer_parsers.h"

namespace convoy {

LayerKind parse_shortcut(SectionReader& section) {
    ShortcutLayer shortcut;
    shortcut.from = section.earlier_layers("from");
    shortcut.activation = section.activation(Activation::linear);
    if (section.text("weights_type", "none") != "none")
        section.fail(ErrorKind::unsupported, "weights_type", "other than none is not implemented");
    section.expect_neutral("alpha", 1);
    section.expect_neutral("beta", 1);
    section.ignore({"weights_normalization"});
    return shortcut;
}

LayerKind parse_route(SectionReader& section) {
    RouteLayer route;
    route.layers = section.earlier_layers("layers");
    route.groups = section.integer("groups", 1, 1, kMaxCount);
    route.group_id = section.integer("group_id", 0, 0, route.groups - 1);
    section.ignore({"stream", "wait_stream"});
    return route;
}

LayerKind parse_upsample(SectionReader& section) {
    UpsampleLayer upsample;
    upsample.stride = section.integer("stride", 2, 1, kMaxWindow);
    upsample.scale = section.real("scale", 1.f, -1e6f, 1e6f);
    return upsample;
}

LayerKind parse_maxpool(SectionReader& section) {
    MaxpoolLayer pool;
    const int stride = section.integer("stride", 1, 1, kMaxWindow);
    pool.stride_x = section.integer("stride_x", stride, 1, kMaxWindow);
    pool.stride_y = section.integer("stride_y", stride, 1, kMaxWindow);
    pool.size = section.integer("size", stride, 1, kMaxWindow);
    // With more padding some windows would hold no pixel at all.
    pool.padding = section.integer("padding", pool.size - 1, 0, 2 * (pool.size - 1));
    for (const char* key : {"maxpool_depth", "antialiasing", "maxpool_zero_nonmax"}) section.expect_neutral(key);
    section.ignore({"out_channels"});
    return pool;
}

LayerKind parse_avgpool(SectionReader&) { return AvgpoolLayer{}; }

LayerKind parse_dropout(SectionReader& section) {
    DropoutLayer dropout;
    dropout.probability = section.real("probability", .2f, 0.f, 1.f);
    section.ignore({"dropblock", "dropblock_size_rel", "dropblock_size_abs"});
    return dropout;
}

}  // namespace convoy
