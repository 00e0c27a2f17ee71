// SPDX-License-Identifier: MIT
#include "engine/plan/conv_pairs.h"

#include "engine/plan/kernel_problem.h"

namespace convoy {
namespace {

bool is_plain(const ConvOp& conv) { return conv.groups == 1 && conv.upsample == 1; }

}  // namespace

std::vector<ConvPairNodes> find_conv_pairs(const Graph& graph, MayBePair may_be_pair) {
    std::vector<ConvPairNodes> pairs;
    if (!may_be_pair) return pairs;
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
        if (!first || !is_plain(*first) || first->residual) continue;
        if (second->residual && graph.nodes[i].inputs[1] != node.inputs[0]) continue;
        const auto problem = [&](const ConvOp& conv, TensorId x) {
            return conv_problem(conv, graph.tensors[std::size_t(x)].shape, 1);
        };
        if (may_be_pair(problem(*first, node.inputs[0]), problem(*second, between)))
            pairs.push_back({producer, int(i)});
    }
    return pairs;
}

}  // namespace convoy
