// SPDX-License-Identifier: MIT
#include "engine/plan/conv_pairs.h"

namespace convoy {
namespace {

bool is_plain(const ConvOp& conv) { return conv.groups == 1 && conv.upsample == 1; }

}  // namespace

std::vector<ConvPairNodes> find_conv_pairs(const Graph& graph, int most_between) {
    std::vector<ConvPairNodes> pairs;
    if (most_between <= 0) return pairs;
    const Uses uses(graph);
    std::vector<bool> shares_memory(graph.tensors.size(), false);  // with slices of it, or as one
    const std::vector<Graph::Place> places = graph.places();
    for (std::size_t t = 0; t < places.size(); ++t)
        if (places[t].root != TensorId(t)) shares_memory[t] = shares_memory[std::size_t(places[t].root)] = true;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        const auto* second = std::get_if<ConvOp>(&graph.nodes[i].op);
        if (!second || !is_plain(*second)) continue;
        const TensorId between = graph.nodes[i].inputs[0];
        const int producer = uses.producer[std::size_t(between)];
        if (producer < 0 || uses.readers[std::size_t(between)].size() != 1 || shares_memory[std::size_t(between)])
            continue;
        const Node& node = graph.nodes[std::size_t(producer)];
        const auto* first = std::get_if<ConvOp>(&node.op);
        if (!first || !is_plain(*first) || first->residual || first->k > most_between) continue;
        if (second->residual && graph.nodes[i].inputs[1] != node.inputs[0]) continue;
        pairs.push_back({producer, int(i)});
    }
    return pairs;
}

}  // namespace convoy
