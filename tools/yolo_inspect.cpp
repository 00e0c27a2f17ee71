// SPDX-License-Identifier: MIT
//
// yolo-inspect: what a model is made of, and what the engine makes of it.
#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <memory>

#include <convoy/version.h>
#include "tools/exit_status.h"
#include "tools/inspect/layer_table.h"
#include "tools/inspect/plan_table.h"
#include "tools/inspect/stages.h"
#include "tools/json_text.h"
#include "tools/message.h"
#include "tools/model_options.h"

namespace convoy::tools {
namespace {

constexpr const char* kExamples = R"(Examples:
  yolo-inspect yolov3.cfg                              layers, parameters, BFLOPs, memory; no weights needed
  yolo-inspect yolov3 --size 608 --json
  yolo-inspect yolov3.cfg --dot | dot -Tsvg > yolov3.svg
  yolo-inspect yolov3.cfg --passes                     the engine's graph before and after every pass
  yolo-inspect yolov3.cfg --plan --batch 32            GPU: each layer's kernel, time, TFLOP/s, GB/s and share of the peak
  yolo-inspect yolov3.cfg --stage final --dot          the graph that runs, for Graphviz

Exit status: 0 done, 1 something could not be read or written, 2 wrong usage.)";

struct InspectOptions {
    ModelOptions model;
    std::string stage;
    bool json = false, dot = false, passes = false, plan = false;
    EngineOptions engine;
};

void add_options(CLI::App& app, InspectOptions& options) {
    app.description("Shows the layers of a YOLO model in Darknet's format and the graph that the engine runs.");
    app.footer(kExamples);
    app.set_version_flag("--version", "yolo-inspect " CONVOY_VERSION);
    auto* positional = app.add_option("MODEL", options.model.stem, "STEM or .cfg; weights are not needed");
    options.model.add_to(app);
    for (const char* name : {"--model", "--cfg", "--weights"}) positional->excludes(app.get_option(name));
    options.engine.max_batch = 1;
    add_device_options(app, options.engine);
    app.get_option("--batch")->description("pictures in a batch (default: 1)");
    auto* plan = app.add_flag("--plan", options.plan, "which kernel computes each layer on the GPU, and how fast");
    auto* passes = app.add_flag("--passes", options.passes, "the graph before and after every pass");
    auto* stage = app.add_option("--stage", options.stage, "the graph at one stage: lowered, a pass's name, or final")
                      ->type_name("NAME");
    auto* json = app.add_flag("--json", options.json, "JSON instead of tables");
    auto* dot = app.add_flag("--dot", options.dot, "Graphviz: of the layers, or of the graph with --stage");
    passes->excludes(stage)->excludes(dot);
    json->excludes(dot);
    plan->excludes(passes)->excludes(stage)->excludes(dot);
}

std::string network_json(const Network& network, const InspectOptions& options) {
    const inspect::Compiled compiled = inspect::compile_stages(network, options.engine.max_batch);
    if (!options.stage.empty()) return json_text(inspect::stage_json(inspect::find_stage(compiled, options.stage)));
    nlohmann::ordered_json out = {{"version", 1}};
    out.update(inspect::layers_json(network));
    out["memory"] = inspect::memory_json(compiled, network);
    if (options.passes)
        for (const inspect::Stage& stage : compiled.stages) out["stages"].push_back(inspect::stage_json(stage));
    return json_text(out);
}

int run(const InspectOptions& options) {
    const Network network = options.model.load(false);
    print_warnings("yolo-inspect", network);
    if (options.model.is_demo()) message("yolo-inspect: no model named, taking the demo model");
    if (options.plan) {
        const inspect::BoundPlan plan = inspect::bind_plan(network, options.engine);
        print_result(options.json ? json_text(inspect::plan_json(plan)) + "\n" : inspect::plan_text(plan));
        return kSuccess;
    }
    if (options.json) {
        print_result(network_json(network, options) + "\n");
        return kSuccess;
    }
    if (options.dot && options.stage.empty()) {
        print_result(inspect::network_dot(network));
        return kSuccess;
    }
    const inspect::Compiled compiled = inspect::compile_stages(network, options.engine.max_batch);
    if (!options.stage.empty()) {
        const inspect::Stage& stage = inspect::find_stage(compiled, options.stage);
        print_result(options.dot ? print_dot(stage.graph) : inspect::stage_text(stage));
        return kSuccess;
    }
    if (options.passes)
        for (const inspect::Stage& stage : compiled.stages) print_result(inspect::stage_text(stage) + "\n");
    else
        print_result(inspect::layer_table(network));
    print_result(inspect::memory_text(compiled, network));
    return kSuccess;
}

}  // namespace
}  // namespace convoy::tools

int main(int argc, char** argv) {
    return convoy::tools::run_command("yolo-inspect", argc, argv, [](CLI::App& app, const auto&) {
        auto options = std::make_shared<convoy::tools::InspectOptions>();
        convoy::tools::add_options(app, *options);
        return [options] { return convoy::tools::run(*options); };
    });
}
