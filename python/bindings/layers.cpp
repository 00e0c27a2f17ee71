// SPDX-License-Identifier: MIT

#include <cmath>
#include <type_traits>

#include "python/bindings/bindings.h"

namespace convoy::python {
namespace {

nb::tuple tuple_of(const Shape& shape) { return nb::make_tuple(shape.c, shape.h, shape.w); }

/// One layer's dict while it is filled.
class Fields {
public:
    Fields(nb::dict fields, nb::handle network) : fields_(std::move(fields)), network_(network) {}

    template <typename T>
    void set(const char* name, const T& value) {
        fields_[name] = nb::cast(value);
    }
    void set(const char* name, Activation activation) { fields_[name] = to_string(activation); }
    void weights(const char* name, const WeightView& view, std::initializer_list<int> shape) {
        if (view.empty()) return;
        std::vector<std::size_t> sides(shape.begin(), shape.end());
        const nb::ndarray<nb::numpy, const float> array(view.data, sides.size(), sides.data(), network_);
        fields_[name] = nb::cast(array, nb::rv_policy::reference);
    }
    template <typename L>
    void batch_norm(const L& layer, int channels) {
        weights("biases", layer.biases, {channels}), weights("scales", layer.scales, {channels});
        weights("means", layer.means, {channels}), weights("variances", layer.variances, {channels});
    }

private:
    nb::dict fields_;
    nb::handle network_;
};

void fill(Fields& f, const ConvolutionalLayer& l, const Layer& layer) {
    f.set("filters", l.filters), f.set("size", l.size), f.set("stride_x", l.stride_x), f.set("stride_y", l.stride_y);
    f.set("padding", l.padding), f.set("dilation", l.dilation), f.set("groups", l.groups);
    f.set("batch_normalize", l.batch_normalize), f.set("activation", l.activation), f.set("xnor", l.xnor);
    f.set("antialiasing", l.antialiasing), f.set("share", l.share);
    f.batch_norm(l, l.filters);
    f.weights("weights", l.weights, {l.filters, layer.in.c / l.groups, l.size, l.size});
}
void fill(Fields& f, const ShortcutLayer& l, const Layer&) { f.set("from", l.from), f.set("activation", l.activation); }
void fill(Fields& f, const RouteLayer& l, const Layer&) {
    f.set("layers", l.layers), f.set("groups", l.groups), f.set("group_id", l.group_id);
}
void fill(Fields& f, const UpsampleLayer& l, const Layer&) { f.set("stride", l.stride), f.set("scale", l.scale); }
void fill(Fields& f, const MaxpoolLayer& l, const Layer&) {
    f.set("size", l.size), f.set("stride_x", l.stride_x), f.set("stride_y", l.stride_y), f.set("padding", l.padding);
    f.set("antialiasing", l.antialiasing), f.set("depth", l.depth);
}
void fill(Fields&, const AvgpoolLayer&, const Layer&) {}
void fill(Fields& f, const LocalAvgpoolLayer& l, const Layer&) {
    f.set("size", l.size), f.set("stride_x", l.stride_x), f.set("stride_y", l.stride_y), f.set("padding", l.padding);
}
void fill(Fields& f, const ReorgLayer& l, const Layer&) { f.set("stride", l.stride); }
void fill(Fields& f, const Reorg3dLayer& l, const Layer&) { f.set("stride", l.stride); }
void fill(Fields& f, const SamLayer& l, const Layer&) { f.set("from", l.from), f.set("activation", l.activation); }
void fill(Fields& f, const ScaleChannelsLayer& l, const Layer&) {
    f.set("from", l.from), f.set("scale_wh", l.scale_wh), f.set("activation", l.activation);
}
void fill(Fields& f, const ActivationLayer& l, const Layer&) { f.set("activation", l.activation); }
void fill(Fields& f, const SoftmaxLayer& l, const Layer&) {
    f.set("groups", l.groups), f.set("temperature", l.temperature);
}
void fill(Fields& f, const BatchnormLayer& l, const Layer& layer) { f.batch_norm(l, layer.in.c); }
void fill(Fields& f, const ConnectedLayer& l, const Layer& layer) {
    f.set("outputs", l.outputs), f.set("batch_normalize", l.batch_normalize), f.set("activation", l.activation);
    f.batch_norm(l, l.outputs);
    f.weights("weights", l.weights, {l.outputs, layer.in.c, layer.in.h, layer.in.w});
}
void fill(Fields& f, const LocalLayer& l, const Layer& layer) {
    f.set("filters", l.filters), f.set("size", l.size), f.set("stride", l.stride), f.set("padding", l.padding);
    f.set("activation", l.activation);
    f.weights("biases", l.biases, {l.filters, layer.out.h, layer.out.w});
    f.weights("weights", l.weights, {layer.out.h, layer.out.w, l.filters, layer.in.c, l.size, l.size});
}
void fill(Fields& f, const CropLayer& l, const Layer&) {
    f.set("height", l.height), f.set("width", l.width), f.set("noadjust", l.noadjust);
}
void fill(Fields& f, const DropoutLayer& l, const Layer&) { f.set("probability", l.probability); }
void fill(Fields& f, const YoloLayer& l, const Layer&) {
    nb::list anchors;
    for (const Anchor& anchor : l.anchors) anchors.append(nb::make_tuple(anchor.w, anchor.h));
    f.set("classes", l.classes), f.set("anchors", anchors), f.set("mask", l.mask), f.set("scale_x_y", l.scale_x_y);
    f.set("new_coords", l.new_coords);
}
void fill(Fields& f, const RegionLayer& l, const Layer& layer) {
    fill(f, static_cast<const YoloLayer&>(l), layer);
    f.set("softmax", l.softmax), f.set("parents", l.parents);
}
void fill(Fields& f, const GaussianYoloLayer& l, const Layer& layer) {
    fill(f, static_cast<const YoloLayer&>(l), layer);
    f.set("point", l.point);
}
void fill(Fields& f, const DetectionLayer& l, const Layer& layer) {
    fill(f, static_cast<const YoloLayer&>(l), layer);
    f.set("side", l.side), f.set("softmax", l.softmax);
}

}  // namespace

nb::list layers_of(std::shared_ptr<const Network> network) {
    const nb::object owner = nb::cast(std::const_pointer_cast<Network>(network));
    nb::list layers;
    for (const Layer& layer : network->layers) {
        nb::dict fields;
        fields["kind"] = layer.name(), fields["line"] = layer.line;
        fields["in"] = tuple_of(layer.in), fields["out"] = tuple_of(layer.out);
        Fields filling(fields, owner);
        std::visit([&](const auto& kind) { fill(filling, kind, layer); }, layer.kind);
        layers.append(fields);
    }
    return layers;
}

}  // namespace convoy::python
