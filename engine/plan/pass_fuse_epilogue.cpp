// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>

#include "engine/plan/passes.h"

namespace convoy {
namespace {

// The convolution whose whole and only use is to feed node `i` through `t`; null when there is none.
ConvOp* sole_conv(Graph& graph, const Uses& uses, TensorId t, int& index) {
    index = uses.producer[t];
    if (index < 0 || uses.readers[t].size() != 1) return nullptr;
    return std::get_if<ConvOp>(&graph.nodes[index].op);
}

// Takes node `i` over into the convolution `conv`, which moves to i's place so that all its inputs are written by then.
// Uses stays true of every tensor that is still read: i writes what it wrote, and reads in conv's place.
void absorb(Graph& graph, int conv, std::size_t i) {
    const TensorId output = graph.nodes[i].output;
    const int layer = graph.nodes[i].layer;
    graph.nodes[i] = std::move(graph.nodes[conv]);
    graph.nodes[i].output = output;
    graph.nodes[i].layer = layer;
    graph.nodes[conv] = Node{ActivationOp{}, {}, kNoTensor, -1};  // removed by the caller
}

bool fuse_activation(Graph& graph, const Uses& uses, std::size_t i, int& conv_index) {
    const auto* act = std::get_if<ActivationOp>(&graph.nodes[i].op);
    if (!act || !is_fused(act->activation)) return false;
    ConvOp* conv = sole_conv(graph, uses, graph.nodes[i].inputs[0], conv_index);
    if (!conv || conv->activation != Activation::linear || conv->residual) return false;
    conv->activation = act->activation;
    return true;
}

bool fuse_shortcut(Graph& graph, const Uses& uses, std::size_t i, int& conv_index) {
    const auto* add = std::get_if<AddOp>(&graph.nodes[i].op);
    if (!add || !is_fused(add->activation)) return false;
    const std::vector<TensorId> terms = graph.nodes[i].inputs;
    for (int side : {0, 1}) {
        const TensorId x = terms[side], residual = terms[1 - side];
        if (graph.tensors[x].shape != graph.tensors[residual].shape || x == residual) continue;
        ConvOp* conv = sole_conv(graph, uses, x, conv_index);
        if (!conv || conv->residual || conv->upsample != 1) continue;
        conv->residual = true;
        conv->after_residual = add->activation;
        graph.nodes[conv_index].inputs.push_back(residual);
        return true;
    }
    return false;
}

bool fuse_upsample(Graph& graph, const Uses& uses, std::size_t i, int& conv_index) {
    const auto* up = std::get_if<UpsampleOp>(&graph.nodes[i].op);
    if (!up || up->stride != 2 || up->scale != 1) return false;
    ConvOp* conv = sole_conv(graph, uses, graph.nodes[i].inputs[0], conv_index);
    if (!conv || conv->residual || conv->upsample != 1) return false;
    conv->upsample = 2;
    return true;
}

}  // namespace

void fuse_epilogue(Graph& graph, const PassContext& context) {
    const Uses uses(graph);
    std::vector<bool> hidden(graph.tensors.size(), false), dead(graph.nodes.size(), false);
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        int conv = -1;
        if (!fuse_activation(graph, uses, i, conv) && !fuse_shortcut(graph, uses, i, conv) &&
            !(context.traits.conv_upsamples && fuse_upsample(graph, uses, i, conv)))
            continue;
        hidden[graph.nodes[conv].output] = true;
        absorb(graph, conv, i);
        dead[conv] = true;
    }
    for (TensorId& t : graph.layer_output)
        if (t != kNoTensor && hidden[t]) t = kNoTensor;
    graph.remove_nodes(dead);
}

}  // namespace convoy
