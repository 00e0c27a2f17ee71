// SPDX-License-Identifier: MIT
#include "tools/serve_pictures.h"

#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "tools/exit_status.h"
#include "tools/interrupt.h"
#include "tools/message.h"
#include "tools/metrics.h"
#include "tools/sinks/plan_outputs.h"
#include "tools/start_run.h"

namespace convoy::tools {

int serve_pictures(RunOptions& options, const media::FileClaims& read) {
    refuse_what_needs_inputs("--serve", options);
    const std::vector<std::string> files = {options.metrics};  // all that it writes
    OutputPlan plan = plan_outputs(options.output, {}, files, read);
    if (!options.metrics.empty()) check_metrics_path(options.metrics);
    Serving serving(options.output.serve, options.metrics_port, std::getenv("CONVOY_TOKEN"));
    HeldOutputs held([&] { return claim_outputs(plan, {}, files); });
    print_what_libav_says(options.verbose);
    options.engine.same_bits = false;
    Network network = load_network(options);
    Engine engine = make_engine(network, options);
    tell_if_nothing_is_measured(engine, options);
    network.weights_storage.reset();  // the engine holds what it needs
    if (!options.quiet) greet("yolo-run", options.model, network, engine);
    const CompleteOnInterrupt completing;
    GpuSensors sensors(engine.gpus());
    Metrics metrics({engine.description(),
                     network.names,
                     [&] { return engine.stats(); },
                     {},
                     {},
                     [&] { return serving.tally(); },
                     [&] { return sensors.read(); }});
    std::optional<MetricsFile> metrics_file;
    if (!options.metrics.empty()) metrics_file.emplace(options.metrics, metrics);
    start_serving(serving, options, engine, network.names, {}, metrics);
    struct : RunObserver {
        void result(int, Result&) override {}
    } nobody;
    const RunReport report =
        engine.run({serving.input()}, serving.beside(nobody, 0, 0), completing.requested(), options.threads);
    serving.stop();
    const std::string error = metrics_file ? metrics_file->close() : "";
    held.release();
    if (!error.empty()) print_error("yolo-run", error);
    if (!report.failure.empty()) {
        print_error("yolo-run", "no device is left: " + report.failure);
        return leave(kDeviceFailed);
    }
    if (!options.quiet) message("yolo-run: {} pictures answered", serving.tally()->answered);
    return leave(error.empty() ? kSuccess : kBadData);
}

}  // namespace convoy::tools
