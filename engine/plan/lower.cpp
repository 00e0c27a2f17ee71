// SPDX-License-Identifier: MIT
#include "engine/plan/graph.h"

namespace convoy {
namespace {

class Lowering {
public:
    explicit Lowering(const Network& network) : network_(network) {}

    Graph run() {
        current_ = graph_.add_tensor("input", network_.input);
        graph_.nodes.push_back({InputOp{}, {}, current_, -1});
        for (std::size_t i = 0; i < network_.layers.size(); ++i) {
            layer_ = int(i);
            std::visit([&](const auto& kind) { current_ = lower(kind); }, network_.layers[i].kind);
            graph_.layer_output.push_back(current_);
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

    TensorId lower(const ConvolutionalLayer& layer) {
        ConvOp conv;
        conv.k = layer.filters;
        conv.size = layer.size;
        conv.stride_x = layer.stride_x;
        conv.stride_y = layer.stride_y;
        conv.padding = layer.padding;
        conv.dilation = layer.dilation;
        conv.groups = layer.groups;
        conv.weights = layer.weights;
        if (!layer.batch_normalize) conv.bias.assign(layer.biases.begin(), layer.biases.end());
        TensorId t = emit(std::move(conv), {current_});
        if (layer.batch_normalize) t = emit(BatchNormOp{layer.scales, layer.means, layer.variances, layer.biases}, {t});
        if (layer.activation != Activation::linear) t = emit(ActivationOp{layer.activation}, {t});
        return t;
    }

    TensorId lower(const ShortcutLayer& layer) {
        TensorId t = current_;
        for (std::size_t i = 0; i < layer.from.size(); ++i) {
            const bool last = i + 1 == layer.from.size();
            t = emit(AddOp{last ? layer.activation : Activation::linear}, {t, graph_.layer_output[layer.from[i]]});
        }
        return t;
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
        return emit(MaxpoolOp{layer.size, layer.stride_x, layer.stride_y, layer.padding}, {current_});
    }
    TensorId lower(const AvgpoolLayer&) { return emit(AvgpoolOp{}, {current_}); }
    TensorId lower(const DropoutLayer&) { return current_; }
    TensorId lower(const YoloLayer& layer) {
        graph_.nodes.push_back({YoloOp{layer}, {current_}, kNoTensor, layer_});
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
