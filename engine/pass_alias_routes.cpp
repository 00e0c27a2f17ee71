// SPDX-License-Identifier: MIT
#include <algorithm>

#include "engine/passes.h"

namespace convoy {
namespace {

bool takes_pitch(const Node& node, const BackendTraits& traits) {
    return traits.conv_takes_pitch || !std::holds_alternative<ConvOp>(node.op);
}

bool readers_take_pitch(const Graph& graph, TensorId t, const BackendTraits& traits) {
    for (int r : graph.readers(t))
        if (!takes_pitch(graph.nodes[r], traits)) return false;
    return true;
}

bool is_viewed(const Graph& graph, TensorId t) {
    return std::any_of(graph.tensors.begin(), graph.tensors.end(),
                       [&](const TensorInfo& s) { return s.slice_of == t; });
}

// A group of a route is read where it lies.
void alias_slice(Graph& graph, std::size_t i, const BackendTraits& traits, std::vector<bool>& dead) {
    const Node& node = graph.nodes[i];
    const int offset = std::get<SliceOp>(node.op).offset;
    if (offset % traits.channel_alignment != 0 || !readers_take_pitch(graph, node.output, traits)) return;
    graph.tensors[node.output].slice_of = node.inputs[0];
    graph.tensors[node.output].channel_offset = offset;
    dead[i] = true;
}

// Whether `t` may live inside a concatenated tensor.
bool can_move(const Graph& graph, TensorId t, const BackendTraits& traits) {
    const int producer = graph.producer(t);
    if (producer < 0 || graph.tensors[t].slice_of != kNoTensor) return false;
    if (std::holds_alternative<InputOp>(graph.nodes[producer].op)) return false;  // the slot owns its memory
    if (!takes_pitch(graph.nodes[producer], traits) || !readers_take_pitch(graph, t, traits)) return false;
    for (int r : graph.readers(t))
        if (std::holds_alternative<YoloOp>(graph.nodes[r].op)) return false;  // a head's memory belongs to the slot
    return !is_viewed(graph, t) || traits.conv_takes_pitch;
}

void alias_concat(Graph& graph, std::size_t i, const BackendTraits& traits, std::vector<bool>& dead) {
    const Node& node = graph.nodes[i];
    int offset = 0;
    bool all = true;
    for (TensorId part : node.inputs) {
        const bool once = std::count(node.inputs.begin(), node.inputs.end(), part) == 1;
        if (once && offset % traits.channel_alignment == 0 && can_move(graph, part, traits)) {
            graph.tensors[part].slice_of = node.output;
            graph.tensors[part].channel_offset = offset;
        } else {
            all = false;
        }
        offset += graph.tensors[part].shape.c;
    }
    if (all) dead[i] = true;
}

}  // namespace

void alias_routes(Graph& graph, const PassContext& context) {
    std::vector<bool> dead(graph.nodes.size(), false);
    for (std::size_t i = 0; i < graph.nodes.size(); ++i)
        if (std::holds_alternative<SliceOp>(graph.nodes[i].op)) alias_slice(graph, i, context.traits, dead);
    for (std::size_t i = 0; i < graph.nodes.size(); ++i)
        if (std::holds_alternative<ConcatOp>(graph.nodes[i].op)) alias_concat(graph, i, context.traits, dead);
    graph.remove_nodes(dead);
}

}  // namespace convoy
