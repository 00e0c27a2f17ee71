// SPDX-License-Identifier: MIT
#include "engine/backend_cpu.h"

namespace convoy {

CpuSlot::CpuSlot(CpuBackend& backend)
    : backend_(backend), memory_(backend.plan().memory.slot_bytes), transforms_(backend.plan().max_batch) {
    const Plan& plan = backend.plan();
    for (const Node& node : plan.graph.nodes) {
        if (std::holds_alternative<InputOp>(node.op)) input_ = node.output;
        const auto* yolo = std::get_if<YoloOp>(&node.op);
        if (!yolo) continue;
        const YoloLayer& layer = yolo->head;
        Head head{{layer.classes, {}, layer.scale_x_y, layer.new_coords, plan.input.w, plan.input.h}, node.inputs[0]};
        for (int anchor : layer.mask) {
            head.decode.anchors.push_back(layer.anchors[anchor].w);
            head.decode.anchors.push_back(layer.anchors[anchor].h);
        }
        heads_.push_back(std::move(head));
    }
}

void CpuSlot::preprocess(int index, const PixelView& picture) {
    const Shape net = backend_.plan().input;
    const kernels::Placement placement =
        kernels::place(backend_.detect_.fit, picture.width, picture.height, net.w, net.h);
    transforms_[index] = {placement, picture.width, picture.height};
    kernels::cpu::preprocess(picture, placement, backend_.detect_.resize, backend_.view(input_, memory_.data(), index));
}

void CpuSlot::collect(int index, std::vector<Detection>& out) {
    const Plan& plan = backend_.plan();
    candidates_.clear();
    for (const Head& head : heads_)
        kernels::cpu::yolo_decode(head.decode, backend_.view(head.tensor, memory_.data(), index), 0,
                                  backend_.detect_.confidence, transforms_[index], candidates_);
    survivors_.clear();
    kernels::cpu::nms(candidates_, plan.classes,
                      plan.nms_kind == NmsKind::diou ? kernels::Overlap::diou : kernels::Overlap::iou, plan.beta_nms,
                      backend_.detect_.nms, survivors_);
    out.clear();
    for (const kernels::Survivor& s : survivors_) {
        const kernels::Candidates::Box& b = candidates_.boxes[s.candidate];
        out.push_back({s.class_id, s.prob, {b.x - b.w / 2, b.y - b.h / 2, b.w, b.h}});
    }
}

}  // namespace convoy
