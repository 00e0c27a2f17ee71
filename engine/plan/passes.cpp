// SPDX-License-Identifier: MIT
#include "engine/plan/passes.h"

namespace convoy {

const std::vector<Pass>& passes() {
    static const std::vector<Pass> all = {
        {"fold_batchnorm", fold_batchnorm},
        {"fuse_epilogue", fuse_epilogue},
        {"drop_unused", drop_unused},
        {"alias_routes", alias_routes},
    };
    return all;
}

void run_passes(Graph& graph, const PassContext& context, const std::function<void(const char*, const Graph&)>& after) {
    verify(graph);
    if (after) after("lowered", graph);
    for (const Pass& pass : passes()) {
        pass.run(graph, context);
        verify(graph);
        if (after) after(pass.name, graph);
    }
}

void drop_unused(Graph& graph, const PassContext&) {
    std::vector<bool> needed(graph.tensors.size(), false), dead(graph.nodes.size(), false);
    // A network without heads (a classifier's trunk) is read at its last layer.
    bool has_head = false;
    for (const Node& node : graph.nodes) has_head |= std::holds_alternative<YoloOp>(node.op);
    if (!has_head && !graph.layer_output.empty() && graph.layer_output.back() != kNoTensor)
        needed[graph.layer_output.back()] = true;
    for (std::size_t i = graph.nodes.size(); i-- > 0;) {
        const Node& node = graph.nodes[i];
        const bool keep =
            std::holds_alternative<YoloOp>(node.op) || std::holds_alternative<InputOp>(node.op) || needed[node.output];
        dead[i] = !keep;
        if (keep)
            for (TensorId t : node.inputs) needed[t] = true;
    }
    for (TensorId& t : graph.layer_output)
        if (t != kNoTensor && !needed[t]) t = kNoTensor;
    graph.remove_nodes(dead);
}

}  // namespace convoy
