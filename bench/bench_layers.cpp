// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include <convoy/load.h>
#include "bench/commands.h"
#include "engine/bind.h"
#include "engine/cpu/backend_cpu.h"

namespace convoy::bench {
namespace {

/// What one layer of the cfg costs, with the nodes that it became.
struct LayerTime {
    double ms = 0, plain_ms = 0;  // plain: by our own loops, not by oneDNN
};

}  // namespace

nlohmann::json bench_layers(const BenchOptions& options) {
    Network network = options.model.load(false);
    if (!network.weights_storage) randomize_weights(network, 1);
    EngineOptions engine = options.engine;
    engine.max_batch = 1;
    CpuBackend backend(compile(network, cpu_compile_options(engine)), {}, engine.threads,
                       cpu_precision(engine.precision));
    CpuSlot slot(backend);
    const Graph& graph = backend.plan().graph;
    for (const Node& node : graph.nodes)
        if (std::holds_alternative<InputOp>(node.op)) {
            const kernels::Tensor x = backend.view(node.output, slot.memory());
            std::fill_n(x.data, network.input.elements(), .5f);
        }
    const std::vector<double> ms = backend.node_ms(slot.memory(), options.warmup, options.passes);
    std::map<int, LayerTime> layers;
    double total = 0;
    for (std::size_t i = 0; i < ms.size(); ++i) {
        LayerTime& layer = layers[graph.nodes[i].layer];
        layer.ms += ms[i];
        if (!std::holds_alternative<ConvOp>(graph.nodes[i].op)) layer.plain_ms += ms[i];
        total += ms[i];
    }
    std::vector<std::pair<int, LayerTime>> order(layers.begin(), layers.end());
    std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.second.ms > b.second.ms; });
    fmt::print("{} {}x{}, {}: {:.3g} ms\n{:<6}{:<18}{:>10}{:>8}{:>12}\n", network.cfg_path, network.input.w,
               network.input.h, backend.description(), total, "layer", "", "ms", "share", "plain loops");
    nlohmann::json out = {{"ms", total}, {"threads", backend.description()}, {"layers", nlohmann::json::array()}};
    for (const auto& [index, layer] : order) {
        const std::string name = index < 0 ? "input" : network.layers[std::size_t(index)].name();
        fmt::print("{:<6}{:<18}{:>10.3f}{:>7.1f}%{:>11.1f}%\n", index, name, layer.ms, 100 * layer.ms / total,
                   100 * layer.plain_ms / total);
        out["layers"].push_back({{"layer", index}, {"section", name}, {"ms", layer.ms}, {"plain_ms", layer.plain_ms}});
    }
    return out;
}

}  // namespace convoy::bench
