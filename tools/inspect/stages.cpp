// SPDX-License-Identifier: MIT
#include "tools/inspect/stages.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/cpu/cpu.h"

namespace convoy::inspect {
namespace {

std::string bytes_text(std::size_t bytes) {
    if (bytes >= 1000 * 1000) return fmt::format("{:.1f} MB", double(bytes) / 1e6);
    return fmt::format("{:.1f} kB", double(bytes) / 1e3);
}

}  // namespace

Compiled compile_stages(const Network& network, int max_batch) {
    Compiled out;
    CompileOptions options;
    options.passes.traits = cpu_traits();
    options.max_batch = max_batch;
    options.trace = [&](const char* stage, const Graph& graph) { out.stages.push_back({stage, graph}); };
    out.memory = compile(network, options).memory;
    out.max_batch = max_batch;
    return out;
}

const Stage& find_stage(const Compiled& compiled, const std::string& name) {
    if (name == "final") return compiled.stages.back();
    const auto found = std::find_if(compiled.stages.begin(), compiled.stages.end(),
                                    [&](const Stage& stage) { return stage.name == name; });
    if (found != compiled.stages.end()) return *found;
    std::string names;
    for (const Stage& stage : compiled.stages) names += stage.name + ", ";
    throw Error(ErrorKind::usage, fmt::format("--stage {}: there is no such stage; there are {}final", name, names));
}

std::string stage_text(const Stage& stage) {
    return fmt::format("{}: {} nodes; shapes are rows x columns x channels\n{}", stage.name, stage.graph.nodes.size(),
                       print(stage.graph));
}

nlohmann::ordered_json stage_json(const Stage& stage) {
    nlohmann::ordered_json nodes = nlohmann::ordered_json::array();
    for (const Node& node : stage.graph.nodes) {
        const Shape s = infer_shape(stage.graph, node);
        nodes.push_back({{"op", node.name()},
                         {"layer", node.layer},
                         {"inputs", node.inputs},
                         {"output", node.output},
                         {"shape", {s.c, s.h, s.w}}});
    }
    return {{"name", stage.name}, {"nodes", std::move(nodes)}};
}

std::string memory_text(const Compiled& compiled, const Network& network) {
    const MemoryPlan& m = compiled.memory;
    return fmt::format(
        "weights {}; activations: {} for each picture in the works ({} if every tensor had its own), "
        "{} for the inputs and heads of a batch of {}\n",
        bytes_text(network.weight_count() * sizeof(float)), bytes_text(m.arena_bytes), bytes_text(m.unshared_bytes),
        bytes_text(m.slot_bytes), compiled.max_batch);
}

nlohmann::ordered_json memory_json(const Compiled& compiled, const Network& network) {
    const MemoryPlan& m = compiled.memory;
    return {{"batch", compiled.max_batch},
            {"weights_bytes", network.weight_count() * sizeof(float)},
            {"arena_bytes", m.arena_bytes},
            {"unshared_bytes", m.unshared_bytes},
            {"slot_bytes", m.slot_bytes}};
}

}  // namespace convoy::inspect
