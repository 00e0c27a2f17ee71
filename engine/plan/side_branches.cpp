// SPDX-License-Identifier: MIT
#include "engine/plan/side_branches.h"

#include <algorithm>

namespace convoy {

std::vector<NodeRange> find_side_branches(const Graph& graph) {
    const Uses uses(graph);
    const std::vector<Graph::Place> places = graph.places();
    std::vector<bool> has_slices(graph.tensors.size(), false);
    for (std::size_t t = 0; t < places.size(); ++t)
        if (places[t].root != TensorId(t)) has_slices[std::size_t(places[t].root)] = true;
    // Whether all that read what node i writes stand before or at `last`.
    const auto ends_by = [&](int i, int last) {
        const Node& node = graph.nodes[std::size_t(i)];
        if (node.output == kNoTensor || std::holds_alternative<InputOp>(node.op)) return false;
        const auto t = std::size_t(node.output);
        if (places[t].root != node.output || has_slices[t]) return false;
        const std::vector<int>& readers = uses.readers[t];
        return !readers.empty() && *std::max_element(readers.begin(), readers.end()) <= last;
    };
    const auto is_head = [&](int i) { return std::holds_alternative<YoloOp>(graph.nodes[std::size_t(i)].op); };
    int end = int(graph.nodes.size());  // behind the last that is no head
    while (end > 0 && is_head(end - 1)) --end;
    std::vector<NodeRange> branches;
    for (int head = 0; head < end; ++head) {
        if (!is_head(head)) continue;
        int first = head;
        while (first > 0 && ends_by(first - 1, head)) --first;
        if (first < head) branches.push_back({first, head});
    }
    return branches;
}

}  // namespace convoy
