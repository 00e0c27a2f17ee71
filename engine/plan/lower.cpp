// SPDX-License-Identifier: MIT
#include <cmath>

#include "engine/plan/graph.h"

namespace convoy {
namespace {

class Lowering {
public:
    explicit Lowering(const Network& network) : network_(network) {}

    Graph run() {
        const bool grey = network_.input.c == 1;
        current_ = graph_.add_tensor("input", {grey ? 3 : network_.input.c, network_.input.h, network_.input.w});
        graph_.nodes.push_back({InputOp{}, {}, current_, -1});
        if (grey) current_ = luma();
        for (std::size_t i = 0; i < network_.layers.size(); ++i) {
            layer_ = int(i);
            std::visit([&](const auto& kind) { current_ = lower(kind); }, network_.layers[i].kind);
            graph_.layer_output.push_back(current_);
            graph_.layer_names.push_back(network_.layers[i].name());
        }
        return std::move(graph_);
    }

private:
    TensorId emit(Op op, std::vector<TensorId> inputs, const char* suffix = "") {
        Node node{std::move(op), std::move(inputs), kNoTensor, layer_};
        const TensorId out =
            graph_.add_tensor(std::string(node.name()) + " " + std::to_string(layer_) + suffix, Shape{});
        node.output = out;
        graph_.tensors[out].shape = infer_shape(graph_, node);
        graph_.nodes.push_back(std::move(node));
        return out;
    }

    // Pictures have three colours; a network of one channel gets their grey, with the weights of OpenCV's RGB2GRAY.
    TensorId luma() {
        ConvOp conv;
        conv.k = 1;
        conv.weights = keep({.299f, .587f, .114f});
        return emit(std::move(conv), {current_}, " grey");
    }

    TensorId activate(Activation activation, TensorId t) {
        if (activation == Activation::linear) return t;
        return is_of_channels(activation) ? emit(NormalizeOp{activation}, {t}) : emit(ActivationOp{activation}, {t});
    }

    TensorId lower(const ConvolutionalLayer& layer) {
        ConvOp conv;
        conv.k = layer.filters;
        conv.size = layer.size;
        conv.stride_x = layer.antialiasing ? 1 : layer.stride_x;
        conv.stride_y = layer.antialiasing ? 1 : layer.stride_y;
        conv.padding = layer.padding;
        conv.dilation = layer.dilation;
        conv.groups = layer.groups;
        conv.weights = layer.xnor ? binarized(layer.weights, layer.filters) : layer.weights;
        if (!layer.batch_normalize) conv.bias.assign(layer.biases.begin(), layer.biases.end());
        TensorId t = emit(std::move(conv), {layer.xnor ? emit(BinarizeOp{}, {current_}) : current_});
        if (layer.batch_normalize) t = emit(BatchNormOp{layer.scales, layer.means, layer.variances, layer.biases}, {t});
        t = activate(layer.activation, t);
        return layer.antialiasing ? blur(layer, t) : t;
    }

    WeightView keep(std::vector<float> values) {
        const auto kept = std::make_shared<const std::vector<float>>(std::move(values));
        graph_.constants.push_back(kept);
        return {kept->data(), kept->size()};
    }

    // The mean of each filter's magnitudes, with each weight's sign (binarize_weights).
    WeightView binarized(const WeightView& weights, int filters) {
        if (weights.empty()) return {};
        std::vector<float> out(weights.begin(), weights.end());
        const std::size_t row = out.size() / std::size_t(filters);
        for (std::size_t first = 0; first < out.size(); first += row) {
            float mean = 0;
            for (std::size_t i = first; i < first + row; ++i) mean += std::fabs(out[i]);
            mean /= float(row);
            for (std::size_t i = first; i < first + row; ++i) out[i] = out[i] > 0 ? mean : -mean;
        }
        return keep(std::move(out));
    }

    // The strides of a layer with antialiasing, behind a fixed blur of each channel.
    template <class Layer>
    TensorId blur(const Layer& layer, TensorId t) {
        const int channels = graph_.tensors[t].shape.c;
        const std::vector<float> filter = layer.antialiasing == 2
                                              ? std::vector<float>(4, .25f)
                                              : std::vector<float>{1 / 16.f, 2 / 16.f, 1 / 16.f, 2 / 16.f, 4 / 16.f,
                                                                   2 / 16.f, 1 / 16.f, 2 / 16.f, 1 / 16.f};
        std::vector<float> weights;
        for (int c = 0; c < channels; ++c) weights.insert(weights.end(), filter.begin(), filter.end());
        ConvOp conv;
        conv.k = conv.groups = channels;
        conv.size = layer.antialiasing == 2 ? 2 : 3;
        conv.padding = layer.antialiasing == 2 ? 0 : 1;
        conv.stride_x = layer.stride_x;
        conv.stride_y = layer.stride_y;
        conv.weights = keep(std::move(weights));
        return emit(std::move(conv), {t}, " blur");
    }

    TensorId rearrange(kernels::Rearrange how) {
        return emit(RearrangeOp{how, network_.layers[std::size_t(layer_)].out}, {current_});
    }

    TensorId lower(const ReorgLayer& layer) { return rearrange({kernels::Rearrangement::reorg, layer.stride}); }
    TensorId lower(const Reorg3dLayer& layer) { return rearrange({kernels::Rearrangement::reorg3d, layer.stride}); }
    TensorId lower(const CropLayer& layer) {
        const Shape in = graph_.tensors[current_].shape;
        return rearrange({kernels::Rearrangement::crop, 1, (in.h - layer.height) / 2, (in.w - layer.width) / 2,
                          layer.noadjust ? 1.f : 2.f, layer.noadjust ? 0.f : -1.f});
    }

    TensorId lower(const SamLayer& layer) {
        return emit(MultiplyOp{layer.activation}, {graph_.layer_output[layer.from], current_});
    }
    TensorId lower(const ScaleChannelsLayer& layer) {
        return emit(MultiplyOp{layer.activation}, {graph_.layer_output[layer.from], current_});
    }
    TensorId lower(const ActivationLayer& layer) { return activate(layer.activation, current_); }
    TensorId lower(const SoftmaxLayer& layer) { return emit(SoftmaxOp{layer.groups, layer.temperature}, {current_}); }
    TensorId lower(const BatchnormLayer& layer) {
        return emit(BatchNormOp{layer.scales, layer.means, layer.variances, layer.biases}, {current_});
    }

    TensorId lower(const LocalLayer& layer) {
        const TensorId t = emit(
            LocalOp{layer.filters, layer.size, layer.stride, layer.padding, layer.weights, layer.biases}, {current_});
        return activate(layer.activation, t);
    }

    TensorId lower(const ConnectedLayer& layer) {
        const Shape in = graph_.tensors[current_].shape;
        TensorId t = current_;
        if (in.h * in.w > 1)
            t = emit(RearrangeOp{{kernels::Rearrangement::flatten}, {int(in.elements()), 1, 1}}, {t}, " flat");
        ConvOp conv;
        conv.k = layer.outputs;
        conv.weights = layer.weights;
        if (!layer.batch_normalize) conv.bias.assign(layer.biases.begin(), layer.biases.end());
        t = emit(std::move(conv), {t});
        if (layer.batch_normalize) t = emit(BatchNormOp{layer.scales, layer.means, layer.variances, layer.biases}, {t});
        return activate(layer.activation, t);
    }

    TensorId lower(const ShortcutLayer& layer) {
        TensorId t = current_;
        for (std::size_t i = 0; i < layer.from.size(); ++i) {
            const bool last = i + 1 == layer.from.size() && !is_of_channels(layer.activation);
            t = emit(AddOp{last ? layer.activation : Activation::linear}, {t, graph_.layer_output[layer.from[i]]});
        }
        return is_of_channels(layer.activation) ? activate(layer.activation, t) : t;
    }

    TensorId lower(const RouteLayer& layer) {
        std::vector<TensorId> parts;
        for (int from : layer.layers) {
            TensorId part = graph_.layer_output[from];
            if (layer.groups > 1) {
                Shape shape = graph_.tensors[part].shape;
                shape.c /= layer.groups;
                const TensorId slice = graph_.add_tensor("slice " + std::to_string(layer_), shape);
                graph_.nodes.push_back({SliceOp{shape.c * layer.group_id}, {part}, slice, layer_});
                part = slice;
            }
            parts.push_back(part);
        }
        return parts.size() == 1 ? parts[0] : emit(ConcatOp{}, std::move(parts));
    }

    TensorId lower(const UpsampleLayer& layer) { return emit(UpsampleOp{layer.stride, layer.scale}, {current_}); }
    TensorId lower(const MaxpoolLayer& layer) {
        if (layer.depth > 0) return emit(MaxpoolDepthOp{layer.depth}, {current_});
        const bool blurred = layer.antialiasing > 0;
        const TensorId t =
            emit(MaxpoolOp{layer.size, blurred ? 1 : layer.stride_x, blurred ? 1 : layer.stride_y, layer.padding},
                 {current_});
        return blurred ? blur(layer, t) : t;
    }
    TensorId lower(const LocalAvgpoolLayer& layer) {
        return emit(LocalAvgpoolOp{layer.size, layer.stride_x, layer.stride_y, layer.padding}, {current_});
    }
    TensorId lower(const AvgpoolLayer&) { return emit(AvgpoolOp{}, {current_}); }
    TensorId lower(const DropoutLayer&) { return current_; }
    TensorId lower(const YoloLayer& layer) { return head({layer}); }
    TensorId lower(const RegionLayer& layer) {
        return head({layer, HeadKind::region, layer.softmax, 0, layer.parents});
    }
    TensorId lower(const GaussianYoloLayer& layer) { return head({layer, HeadKind::gaussian, false, layer.point}); }
    TensorId lower(const DetectionLayer& layer) {
        kernels::Rearrange how{kernels::Rearrangement::detection};
        how.boxes = layer.boxes(), how.classes = layer.classes;
        current_ = emit(RearrangeOp{how, {how.boxes * (5 + how.classes), layer.side, layer.side}}, {current_});
        return head({layer, HeadKind::detection, layer.softmax});
    }
    TensorId head(YoloOp op) {
        graph_.nodes.push_back({std::move(op), {current_}, kNoTensor, layer_});
        return current_;
    }

    const Network& network_;
    Graph graph_;
    TensorId current_ = kNoTensor;
    int layer_ = -1;
};

}  // namespace

Graph lower(const Network& network) { return Lowering(network).run(); }

}  // namespace convoy
