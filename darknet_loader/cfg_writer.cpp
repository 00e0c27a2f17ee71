// SPDX-License-Identifier: MIT
#include "darknet_loader/cfg_writer.h"

#include <charconv>

namespace convoy {
namespace {

std::string number(int value) { return std::to_string(value); }

/// The shortest text that reads back to the same float.
std::string number(float value) {
    char text[40];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

template <class List, class Text>
std::string join(const List& list, Text text) {
    std::string out;
    for (const auto& item : list) (out += out.empty() ? "" : ",") += text(item);
    return out;
}

std::string join(const std::vector<int>& list) {
    return join(list, [](int i) { return number(i); });
}

class Writer {
public:
    explicit Writer(const Network& network) {
        section("net");
        add("width", number(network.input.w));
        add("height", number(network.input.h));
        add("channels", number(network.input.c));
        if (network.letter_box) add("letter_box", "1");
        for (const Layer& layer : network.layers) {
            text_ += "\n";
            section(layer.name());
            std::visit(*this, layer.kind);
        }
    }

    void operator()(const ConvolutionalLayer& conv) {
        if (conv.batch_normalize) add("batch_normalize", "1");
        add("filters", number(conv.filters));
        add("size", number(conv.size));
        strides(conv.stride_x, conv.stride_y);
        add("padding", number(conv.padding / conv.dilation));
        if (conv.dilation != 1) add("dilation", number(conv.dilation));
        if (conv.groups != 1) add("groups", number(conv.groups));
        add("activation", to_string(conv.activation));
        if (conv.xnor) add("xnor", "1");
        if (conv.antialiasing != 0) add("antialiasing", number(conv.antialiasing));
        if (conv.share >= 0) add("share_index", number(conv.share));
    }

    void operator()(const ShortcutLayer& shortcut) {
        add("from", join(shortcut.from));
        add("activation", to_string(shortcut.activation));
    }

    void operator()(const RouteLayer& route) {
        add("layers", join(route.layers));
        if (route.groups == 1) return;
        add("groups", number(route.groups));
        add("group_id", number(route.group_id));
    }

    void operator()(const UpsampleLayer& upsample) {
        add("stride", number(upsample.stride));
        if (upsample.scale != 1.f) add("scale", number(upsample.scale));
    }

    void operator()(const MaxpoolLayer& pool) {
        window(pool);
        if (pool.antialiasing != 0) add("antialiasing", number(pool.antialiasing));
        if (pool.depth == 0) return;
        add("maxpool_depth", "1");
        add("out_channels", number(pool.depth));
    }

    void operator()(const LocalAvgpoolLayer& pool) { window(pool); }
    void operator()(const ReorgLayer& reorg) { add("stride", number(reorg.stride)); }
    void operator()(const Reorg3dLayer& reorg) { add("stride", number(reorg.stride)); }

    void operator()(const SamLayer& sam) {
        add("from", number(sam.from));
        add("activation", to_string(sam.activation));
    }

    void operator()(const ScaleChannelsLayer& scale) {
        add("from", number(scale.from));
        if (scale.scale_wh) add("scale_wh", "1");
        add("activation", to_string(scale.activation));
    }

    void operator()(const ActivationLayer& layer) { add("activation", to_string(layer.activation)); }

    void operator()(const SoftmaxLayer& softmax) {
        add("groups", number(softmax.groups));
        if (softmax.temperature != 1.f) add("temperature", number(softmax.temperature));
    }

    void operator()(const BatchnormLayer&) {}

    void operator()(const ConnectedLayer& connected) {
        add("output", number(connected.outputs));
        if (connected.batch_normalize) add("batch_normalize", "1");
        add("activation", to_string(connected.activation));
    }

    void operator()(const LocalLayer& local) {
        add("filters", number(local.filters));
        add("size", number(local.size));
        add("stride", number(local.stride));
        add("pad", number(local.padding));
        add("activation", to_string(local.activation));
    }

    void operator()(const DetectionLayer& detection) {
        add("classes", number(detection.classes));
        add("num", number(detection.boxes()));
        add("side", number(detection.side));
        add("softmax", detection.softmax ? "1" : "0");
        add("coords", "4");
        add("sqrt", "1");
    }

    void operator()(const CropLayer& crop) {
        add("crop_height", number(crop.height));
        add("crop_width", number(crop.width));
        if (crop.noadjust) add("noadjust", "1");
    }

    void operator()(const AvgpoolLayer&) {}
    void operator()(const DropoutLayer& dropout) { add("probability", number(dropout.probability)); }

    void operator()(const RegionLayer& region) {
        anchors(region);
        add("softmax", region.softmax ? "1" : "0");
        if (!region.tree.empty()) add("tree", region.tree);
    }

    void operator()(const GaussianYoloLayer& yolo) {
        (*this)(static_cast<const YoloLayer&>(yolo));
        if (yolo.point != 0) add("yolo_point", yolo.point > 0 ? "left_top" : "right_bottom");
    }

    void operator()(const YoloLayer& yolo) {
        add("mask", join(yolo.mask));
        anchors(yolo);
        if (yolo.scale_x_y != 1.f) add("scale_x_y", number(yolo.scale_x_y));
        if (yolo.new_coords) add("new_coords", "1");
        if (yolo.nms_kind == NmsKind::iou) return;
        add("nms_kind", "diounms");
        add("beta_nms", number(yolo.beta_nms));
    }

    std::string take() { return std::move(text_); }

private:
    void section(const char* name) { ((text_ += "[") += name) += "]\n"; }
    void add(const char* key, const std::string& value) { (((text_ += key) += "=") += value) += "\n"; }
    void anchors(const YoloLayer& yolo) {
        add("anchors", join(yolo.anchors, [](const Anchor& a) { return number(a.w) + "," + number(a.h); }));
        add("classes", number(yolo.classes));
        add("num", number(int(yolo.anchors.size())));
    }
    template <class Pool>
    void window(const Pool& pool) {
        add("size", number(pool.size));
        strides(pool.stride_x, pool.stride_y);
        add("padding", number(pool.padding));
    }
    void strides(int x, int y) {
        if (x == y) return add("stride", number(x));
        add("stride_x", number(x));
        add("stride_y", number(y));
    }

    std::string text_;
};

}  // namespace

std::string cfg_text(const Network& network) { return Writer(network).take(); }

}  // namespace convoy
