// SPDX-License-Identifier: MIT
#include "engine/plan/graph.h"

namespace convoy {

const char* Node::name() const {
    return std::visit([](const auto& operation) { return operation.kName; }, op);
}

TensorId Graph::add_tensor(std::string name, Shape shape) {
    tensors.push_back({std::move(name), shape, kNoTensor, 0});
    return TensorId(tensors.size()) - 1;
}

Graph::Place Graph::place(TensorId t) const {
    int offset = 0;
    while (tensors[t].slice_of != kNoTensor) {
        offset += tensors[t].channel_offset;
        t = tensors[t].slice_of;
    }
    return {t, offset};
}

std::vector<Graph::Place> Graph::places() const {
    std::vector<Place> all(tensors.size(), {kNoTensor, 0});
    std::vector<TensorId> chain;
    for (TensorId t = 0; t < TensorId(tensors.size()); ++t) {
        for (TensorId up = t; up != kNoTensor && all[up].root == kNoTensor; up = tensors[up].slice_of)
            chain.push_back(up);
        for (; !chain.empty(); chain.pop_back()) {
            const TensorId at = chain.back(), whole = tensors[at].slice_of;
            all[at] = whole == kNoTensor
                          ? Place{at, 0}
                          : Place{all[whole].root, all[whole].channel_offset + tensors[at].channel_offset};
        }
    }
    return all;
}

Uses::Uses(const Graph& graph) : producer(graph.tensors.size(), -1), readers(graph.tensors.size()) {
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        const Node& node = graph.nodes[i];
        for (TensorId t : node.inputs)
            if (readers[t].empty() || readers[t].back() != int(i)) readers[t].push_back(int(i));
        if (node.output != kNoTensor) producer[node.output] = int(i);
    }
}

void Graph::remove_nodes(const std::vector<bool>& dead) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        if (dead[i]) continue;
        if (kept != i) nodes[kept] = std::move(nodes[i]);
        ++kept;
    }
    nodes.resize(kept);
}

namespace {

int conv_extent(int in, int size, int stride, int padding, int dilation) {
    return (in + 2 * padding - dilation * (size - 1) - 1) / stride + 1;
}

struct ShapeOf {
    const Graph& graph;
    const Node& node;
    Shape in(std::size_t i = 0) const { return graph.tensors[node.inputs.at(i)].shape; }

    Shape operator()(const InputOp&) const { return graph.tensors[node.output].shape; }
    Shape operator()(const ConvOp& op) const {
        const Shape x = in();
        return {op.k, op.upsample * conv_extent(x.h, op.size, op.stride_y, op.padding, op.dilation),
                op.upsample * conv_extent(x.w, op.size, op.stride_x, op.padding, op.dilation)};
    }
    Shape operator()(const BatchNormOp&) const { return in(); }
    Shape operator()(const ActivationOp&) const { return in(); }
    Shape operator()(const AddOp&) const { return in(); }
    Shape operator()(const MaxpoolOp& op) const {
        const Shape x = in();
        return {x.c, (x.h + op.padding - op.size) / op.stride_y + 1, (x.w + op.padding - op.size) / op.stride_x + 1};
    }
    Shape operator()(const LocalAvgpoolOp& op) const {
        const Shape x = in();
        return {x.c, (x.h + op.padding - op.size) / op.stride_y + 1, (x.w + op.padding - op.size) / op.stride_x + 1};
    }
    Shape operator()(const MaxpoolDepthOp& op) const { return {op.channels, in().h, in().w}; }
    Shape operator()(const RearrangeOp& op) const { return op.out; }
    Shape operator()(const LocalOp& op) const {
        return {op.k, conv_extent(in().h, op.size, op.stride, op.padding, 1),
                conv_extent(in().w, op.size, op.stride, op.padding, 1)};
    }
    Shape operator()(const MultiplyOp&) const { return in(); }
    Shape operator()(const BinarizeOp&) const { return in(); }
    Shape operator()(const SoftmaxOp&) const { return in(); }
    Shape operator()(const NormalizeOp&) const { return in(); }
    Shape operator()(const AvgpoolOp&) const { return {in().c, 1, 1}; }
    Shape operator()(const UpsampleOp& op) const { return {in().c, in().h * op.stride, in().w * op.stride}; }
    Shape operator()(const SliceOp&) const { return {graph.tensors[node.output].shape.c, in().h, in().w}; }
    Shape operator()(const ConcatOp&) const {
        Shape out = in();
        for (std::size_t i = 1; i < node.inputs.size(); ++i) out.c += in(i).c;
        return out;
    }
    Shape operator()(const YoloOp&) const { return in(); }
};

}  // namespace

Shape infer_shape(const Graph& graph, const Node& node) { return std::visit(ShapeOf{graph, node}, node.op); }

}  // namespace convoy
