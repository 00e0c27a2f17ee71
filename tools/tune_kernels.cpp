// SPDX-License-Identifier: MIT
#include "tools/tune_kernels.h"

#include <unistd.h>

#include <filesystem>

#include "tools/exit_status.h"
#include "tools/interrupt.h"
#include "tools/message.h"
#include "tools/start_run.h"

namespace convoy::tools {
namespace {

// Before minutes are spent on what nobody would remember.
void check_tuning_cache(const std::string& folder) {
    std::error_code error;
    if (!folder.empty()) std::filesystem::create_directories(folder, error);
    if (folder.empty() || !std::filesystem::is_directory(folder, error) || access(folder.c_str(), W_OK | X_OK) != 0)
        throw Error(ErrorKind::output, "--tune remembers what it measures in a folder, and " +
                                           (folder.empty() ? "there is none" : folder + " cannot be written") +
                                           ": name one (--tuning-cache DIR)");
}

}  // namespace

int tune_kernels(RunOptions& options) {
    refuse_what_needs_inputs("--tune", options);
    if (!options.metrics.empty() || !options.metrics_port.empty())
        throw Error(ErrorKind::usage, "--tune without an input has no --metrics; name an input");
    check_tuning_cache(options.engine.tuning_cache);
    const Network network = load_network(options);
    const Engine engine = make_engine(network, options);
    if (on_cpu(engine))
        throw Error(ErrorKind::unsupported, "--tune measures a GPU's kernels, and this runs on the CPU" +
                                                (engine.notes().empty() ? "" : ": " + engine.notes().front()));
    if (!options.quiet) greet("yolo-run", options.model, network, engine);
    const bool stopped = CompleteOnInterrupt::requested();
    if (stopped)
        message("{}", kMeasuringStopped);
    else if (!options.quiet)
        message("yolo-run: its fastest kernels are known, and remembered in {}", options.engine.tuning_cache);
    return leave(stopped ? kInterrupted : kSuccess);
}

}  // namespace convoy::tools
