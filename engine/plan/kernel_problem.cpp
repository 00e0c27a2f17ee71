// SPDX-License-Identifier: MIT
#include "engine/plan/kernel_problem.h"

#include <cmath>

namespace convoy {

kernels::ConvProblem conv_problem(const ConvOp& op, const Shape& x, int n) {
    kernels::ConvProblem problem;
    problem.n = n, problem.h = x.h, problem.w = x.w, problem.c = x.c, problem.k = op.k;
    problem.r = problem.s = op.size;
    problem.stride_h = op.stride_y, problem.stride_w = op.stride_x;
    problem.pad_h = problem.pad_w = op.padding;
    problem.dilation = op.dilation, problem.groups = op.groups;
    problem.activation = op.activation;
    problem.residual = op.residual;
    problem.after_residual = op.after_residual;
    return problem;
}

std::vector<Head> heads_of(const Plan& plan) {
    std::vector<Head> heads;
    for (const Node& node : plan.graph.nodes) {
        const auto* yolo = std::get_if<YoloOp>(&node.op);
        if (!yolo) continue;
        const YoloLayer& layer = yolo->head;
        Shape unit = plan.input;  // of anchors
        if (yolo->kind == HeadKind::region) unit = plan.graph.tensors[node.inputs[0]].shape;
        if (yolo->kind == HeadKind::detection) unit = {1, 1, 1};
        Head head{{layer.classes,
                   {},
                   layer.scale_x_y,
                   layer.new_coords,
                   unit.w,
                   unit.h,
                   yolo->kind,
                   yolo->softmax,
                   float(yolo->point) / 2,
                   kernels::class_tree(yolo->parents)},
                  node.inputs[0]};
        for (int anchor : layer.mask) {
            head.decode.anchors.push_back(layer.anchors[anchor].w);
            head.decode.anchors.push_back(layer.anchors[anchor].h);
        }
        heads.push_back(std::move(head));
    }
    return heads;
}

void list_detections(const kernels::Candidates& candidates, const std::vector<kernels::Survivor>& survivors,
                     std::vector<Detection>& out) {
    out.clear();
    for (const kernels::Survivor& s : survivors) {
        const kernels::Candidates::Box& b = candidates.boxes[s.candidate];
        out.push_back({s.class_id, s.prob, {b.x - b.w / 2, b.y - b.h / 2, b.w, b.h}});
    }
}

bool all_finite(const float* data, std::size_t pixels, int channels, int pitch) {
    for (std::size_t i = 0; i < pixels; ++i, data += pitch)
        for (int c = 0; c < channels; ++c)
            if (!std::isfinite(data[c])) return false;
    return true;
}

namespace {

// "layer 3 (convolutional)", as people know it; the operation would be that of a node that passes have rewritten.
std::string section_name(const Graph& graph, const Node& node) {
    if (node.layer < 0) return "the picture";
    return "layer " + std::to_string(node.layer) + " (" + graph.layer_names[std::size_t(node.layer)] + ")";
}

}  // namespace

std::string seek_not_finite(const Graph& graph, const std::vector<Head>& heads,
                            const std::function<void(int node)>& run, const std::function<bool(TensorId)>& is_clean,
                            const std::function<bool(const Head&)>& decodes_clean) {
    auto head = heads.begin();
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        const Node& node = graph.nodes[i];
        const bool is_head = std::holds_alternative<YoloOp>(node.op);
        if (!is_head) run(int(i));
        if (is_head ? !decodes_clean(*head++) : !is_clean(node.output)) return section_name(graph, node);
    }
    return {};
}

}  // namespace convoy
