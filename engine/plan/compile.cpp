// SPDX-License-Identifier: MIT
#include "engine/plan/compile.h"

#include "engine/plan/graph.h"

namespace convoy {

Plan compile(const Network& network, const CompileOptions& options) {
    if (network.layers.empty()) throw Error(ErrorKind::model, network.cfg_path + ": the network has no layers");
    Plan plan;
    plan.graph = lower(network);
    run_passes(plan.graph, options.passes, options.trace);
    const BackendTraits& traits = options.passes.traits;
    const ElementBytes bytes{traits.element_bytes, traits.fp32_slots ? sizeof(float) : traits.element_bytes};
    if (!options.keep_all) plan.pairs = find_conv_pairs(plan.graph, traits.may_be_pair);
    if (traits.side_branches) plan.side_branches = find_side_branches(plan.graph);
    plan.memory = plan_memory(plan.graph, traits.picture_at_a_time ? 1 : options.max_batch, options.max_batch, bytes,
                              traits.channel_alignment, options.keep_all, plan.pairs, plan.side_branches);
    plan.max_batch = options.max_batch;
    plan.input = plan.graph.tensors.front().shape;
    plan.batch_norm = options.passes.batch_norm;
    plan.classes = network.classes();
    plan.weights_storage = network.weights_storage;
    for (const Node& node : plan.graph.nodes)
        if (const auto* yolo = std::get_if<YoloOp>(&node.op)) {
            plan.nms_kind = yolo->head.nms_kind;
            plan.beta_nms = yolo->head.beta_nms;
        }
    return plan;
}

}  // namespace convoy
