// SPDX-License-Identifier: MIT
#include "tools/inspect/plan_table.h"

#include <fmt/format.h>

#include <convoy/load.h>
#include "engine/bind.h"

namespace convoy::inspect {
namespace {

double share(double amount, double us, double peak) { return us > 0 && peak > 0 ? amount / us * 1e6 / peak : 0; }

std::string rate(double amount, double us, double unit) {
    return amount > 0 && us > 0 ? fmt::format("{:.1f}", amount / us * 1e6 / unit) : "-";
}

}  // namespace

BoundPlan bind_plan(Network network, const EngineOptions& options) {
    if (!network.weights_storage) randomize_weights(network, 1);
    const std::unique_ptr<GpuBackend> backend = bind_gpu(network, options);
    const std::unique_ptr<Slot> slot = backend->make_slot();
    BoundPlan out;
    out.batch = backend->plan().max_batch;
    out.predicted = cuda_memory(backend->plan(), cuda_precision(options.precision, choose_gpu(options)), 1);
    out.device = backend->description();
    out.measured_bytes = backend->device_bytes();
    out.timing = backend->profile(out.batch);
    return out;
}

std::string plan_text(const BoundPlan& plan) {
    const PlanTiming& t = plan.timing;
    std::string text = fmt::format(
        "{}, batch {}; the card: {:.0f} TFLOP/s, {:.2f} TB/s\n{:>5}  {:<10}{:<30}{:>9}{:>9}{:>8}{:>9}{:>8}\n",
        plan.device, plan.batch, t.peak_flops / 1e12, t.peak_bytes / 1e12, "layer", "node", "kernel", "us", "TFLOP/s",
        "share", "GB/s", "share");
    double sum = 0;
    for (const LayerTiming& l : t.layers) {
        sum += l.us;
        text += fmt::format("{:>5}  {:<10}{:<30}{:>9.1f}{:>9}{:>6.0f} %{:>9}{:>6.0f} %\n", l.layer, l.op, l.kernel,
                            l.us, rate(l.flops, l.us, 1e12), 100 * share(l.flops, l.us, t.peak_flops),
                            rate(l.bytes, l.us, 1e9), 100 * share(l.bytes, l.us, t.peak_bytes));
    }
    text += fmt::format("layers one by one, cold: {:.1f} us; the network as it runs: {:.1f} us = {:.0f} pictures/s\n",
                        sum, t.network_us, plan.batch / t.network_us * 1e6);
    const DeviceMemory& m = plan.predicted;
    return text + fmt::format(
                      "device memory: weights {:.1f} MB, activations {:.1f} MB, one slot {:.1f} MB; predicted "
                      "{:.1f} MB, taken {:.1f} MB; while kernels are measured up to {:.1f} MB\n",
                      double(m.weights) / 1e6, double(m.arena) / 1e6, double(m.slots) / 1e6, double(m.total()) / 1e6,
                      double(plan.measured_bytes) / 1e6, double(m.tuning) / 1e6);
}

nlohmann::ordered_json plan_json(const BoundPlan& plan) {
    const PlanTiming& t = plan.timing;
    nlohmann::ordered_json out = {{"version", 1},
                                  {"device", plan.device},
                                  {"batch", plan.batch},
                                  {"peak_flops", t.peak_flops},
                                  {"peak_bytes_per_second", t.peak_bytes},
                                  {"network_us", t.network_us},
                                  {"predicted_bytes", plan.predicted.total()},
                                  {"taken_bytes", plan.measured_bytes}};
    for (const LayerTiming& l : t.layers)
        out["layers"].push_back({{"layer", l.layer},
                                 {"op", l.op},
                                 {"kernel", l.kernel},
                                 {"us", l.us},
                                 {"flops", l.flops},
                                 {"bytes", l.bytes}});
    return out;
}

}  // namespace convoy::inspect
