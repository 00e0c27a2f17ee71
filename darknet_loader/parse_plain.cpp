// SPDX-License-Identifier: MIT
//
// The layers that are not convolutions or heads.
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

namespace {

/// Size, strides and padding of a MaxpoolLayer or a LocalAvgpoolLayer.
template <class Pool>
Pool parse_window(SectionReader& section) {
    Pool pool;
    const int stride = section.integer("stride", 1, 1, kMaxWindow);
    pool.stride_x = section.integer("stride_x", stride, 1, kMaxWindow);
    pool.stride_y = section.integer("stride_y", stride, 1, kMaxWindow);
    pool.size = section.integer("size", stride, 1, kMaxWindow);
    // With more padding some windows would hold no pixel at all.
    pool.padding = section.integer("padding", pool.size - 1, 0, 2 * (pool.size - 1));
    return pool;
}

int earlier_layer(SectionReader& section) {
    const std::vector<int> layers = section.earlier_layers("from");
    if (layers.size() > 1)
        section.fail(ErrorKind::model, "from", "names " + std::to_string(layers.size()) + " layers, not one");
    return layers.empty() ? 0 : layers.front();
}

}  // namespace

LayerKind parse_maxpool(SectionReader& section) {
    auto pool = parse_window<MaxpoolLayer>(section);
    pool.antialiasing = section.integer("antialiasing", 0, 0, 2);
    const int channels = section.integer("out_channels", 1, 1, kMaxCount);
    if (section.flag("maxpool_depth")) pool.depth = channels;
    if (pool.depth > 0 && pool.antialiasing > 0)
        section.fail(ErrorKind::unsupported, "antialiasing", "does not go with maxpool_depth");
    section.expect_neutral("maxpool_zero_nonmax");
    return pool;
}

LayerKind parse_local_avgpool(SectionReader& section) { return parse_window<LocalAvgpoolLayer>(section); }

LayerKind parse_reorg(SectionReader& section) {
    section.expect_neutral("reverse");
    return ReorgLayer{section.integer("stride", 1, 1, kMaxWindow)};
}

LayerKind parse_reorg3d(SectionReader& section) {
    section.expect_neutral("reverse");
    return Reorg3dLayer{section.integer("stride", 1, 1, kMaxWindow)};
}

LayerKind parse_sam(SectionReader& section) {
    return SamLayer{earlier_layer(section), section.plain_activation(Activation::linear)};
}

LayerKind parse_scale_channels(SectionReader& section) {
    return ScaleChannelsLayer{earlier_layer(section), section.flag("scale_wh"),
                              section.plain_activation(Activation::linear)};
}

LayerKind parse_activation(SectionReader& section) {
    return ActivationLayer{section.plain_activation(Activation::linear)};
}

LayerKind parse_softmax(SectionReader& section) {
    SoftmaxLayer softmax;
    softmax.groups = section.integer("groups", 1, 1, kMaxCount);
    softmax.temperature = section.real("temperature", 1.f, 1e-6f, 1e6f);
    if (!section.text("tree", "").empty())
        section.fail(ErrorKind::unsupported, "tree",
                     "names the tree of a classifier, and only detection is implemented");
    section.ignore({"noloss", "spatial"});
    return softmax;
}

LayerKind parse_batchnorm(SectionReader&) { return BatchnormLayer{}; }

LayerKind parse_connected(SectionReader& section) {
    ConnectedLayer connected;
    connected.outputs = section.integer("output", 1, 1, kMaxCount);
    connected.activation = section.plain_activation(Activation::logistic);
    connected.batch_normalize = section.flag("batch_normalize");
    return connected;
}

LayerKind parse_local(SectionReader& section) {
    LocalLayer local;
    local.filters = section.integer("filters", 1, 1, kMaxCount);
    local.size = section.integer("size", 1, 1, kMaxWindow);
    local.stride = section.integer("stride", 1, 1, kMaxWindow);
    local.padding = section.integer("pad", 0, 0, 1);
    // Darknet sizes the output as if the padding were half the size.
    if (local.padding == 1 && local.size != 3)
        section.fail(ErrorKind::unsupported, "pad", "needs size=3 in a [local] layer");
    local.activation = section.plain_activation(Activation::logistic);
    return local;
}

LayerKind parse_crop(SectionReader& section) {
    CropLayer crop;
    crop.height = section.integer("crop_height", 1, 1, kMaxCount);
    crop.width = section.integer("crop_width", 1, 1, kMaxCount);
    crop.noadjust = section.flag("noadjust");
    section.ignore({"angle", "exposure", "flip", "saturation", "shift"});
    return crop;
}

LayerKind parse_avgpool(SectionReader&) { return AvgpoolLayer{}; }

LayerKind parse_dropout(SectionReader& section) {
    DropoutLayer dropout;
    dropout.probability = section.real("probability", .2f, 0.f, 1.f);
    section.ignore({"dropblock", "dropblock_size_rel", "dropblock_size_abs"});
    return dropout;
}

}  // namespace convoy
