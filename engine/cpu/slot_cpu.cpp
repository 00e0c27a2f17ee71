// SPDX-License-Identifier: MIT
#include "engine/cpu/backend_cpu.h"
#include "kernels/elementwise.h"

namespace convoy {

CpuSlot::CpuSlot(CpuBackend& backend)
    : backend_(backend),
      patience_(backend.asked_to_stop_),
      memory_(backend.plan().memory.slot_bytes),
      heads_(heads_of(backend.plan())),
      transforms_(backend.plan().max_batch) {
    for (const Node& node : backend.plan().graph.nodes)
        if (std::holds_alternative<InputOp>(node.op)) input_ = node.output;
}

CpuSlot::~CpuSlot() { backend_.team_.finish(batch_); }

void CpuSlot::preprocess(int first, const Frame& frame, std::span<const Area> areas, DecoderSeat&) {
    const Shape net = backend_.plan().input;
    for (const Area& area : areas) {
        const int place = first++;
        const kernels::Placement placement =
            kernels::place(backend_.detect_.fit, area.width, area.height, net.w, net.h);
        transforms_[place] = {placement, area.width, area.height};
        kernels::cpu::preprocess(view_of(frame.pixels, area), placement, backend_.detect_.resize,
                                 backend_.view(input_, memory_.data(), place));
    }
}

void CpuSlot::run(int count, const std::atomic<bool>* stop) {
    backend_.team_.finish(batch_);
    patience_.restart(stop);
    backend_.run(*this, count);
}

std::optional<double> CpuSlot::wait() {
    const double ms = backend_.team_.wait(batch_);
    return patience_.was_over() ? std::nullopt : std::optional(ms);
}

void CpuSlot::decode(const Head& head, int index) {
    kernels::cpu::yolo_decode(head.decode, backend_.view(head.tensor, memory_.data(), index), 0,
                              backend_.detect_.confidence, transforms_[index], candidates_);
}

std::optional<std::int64_t> CpuSlot::collect(int index, std::vector<Detection>& out, const std::atomic<bool>& stop) {
    const Plan& plan = backend_.plan();
    candidates_.clear();
    for (const Head& head : heads_) decode(head, index);
    if (!kernels::cpu::nms(candidates_, plan.classes, plan.nms_kind, plan.beta_nms, backend_.detect_.nms, survivors_,
                           &stop))
        return std::nullopt;
    list_detections(candidates_, survivors_, out);
    return std::int64_t(candidates_.not_finite);
}

std::string CpuSlot::first_not_finite(int index) {
    backend_.team_.wait_until_idle();
    const auto is_clean = [&](TensorId t) {
        const kernels::HostTensor x = backend_.tensor(t, memory_.data(), index);
        std::vector<float> values(x.pixels() * std::size_t(x.c));
        kernels::cpu::convert(x, {values.data(), kernels::DataType::fp32, x.n, x.h, x.w, x.c, x.c});
        return all_finite(values.data(), x.pixels(), x.c, x.c);
    };
    const auto run = [&](int node) { backend_.run_layer(node, memory_.data(), index); };
    return seek_not_finite(backend_.plan().graph, heads_, run, is_clean, [&](const Head& head) {
        candidates_.clear();
        decode(head, index);
        return candidates_.not_finite == 0;
    });
}

}  // namespace convoy
