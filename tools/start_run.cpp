// SPDX-License-Identifier: MIT
#include "tools/start_run.h"

#include <fmt/core.h>

#include <cstdio>
#include <utility>

extern "C" {
#include <libavutil/log.h>
}

#include <convoy/error.h>
#include "tools/av_log.h"
#include "tools/exit_early.h"
#include "tools/interrupt.h"
#include "tools/message.h"

namespace convoy::tools {

void print_what_libav_says(bool verbose) {
    av_log_set_level(verbose ? AV_LOG_INFO : AV_LOG_QUIET);
    av_log_set_callback(print_av_log);
}

void refuse_what_needs_inputs(const char* command, const RunOptions& options) {
    for (const auto& [given, option] :
         {std::pair{options.output.has_files(), "results of inputs"},
          {options.follows(), "--track and --zones"},
          {!options.trace.empty(), "--trace"},
          {!options.report_json.empty() || !options.report_html.empty() || options.report, "reports of a run"}})
        if (given)
            throw Error(ErrorKind::usage, fmt::format("{} without an input has no {}; name an input", command, option));
}

Network load_network(RunOptions& options) {
    Network network = options.model.load();
    options.model.check_fit(network, options.engine.detect.fit);
    print_warnings("yolo-run", network);
    options.detection.apply(network, options.engine.detect);
    if (!options.quiet) options.engine.notice = print_notices("yolo-run");
    return network;
}

Engine make_engine(const Network& network, RunOptions& options) {
    if (options.engine.tuning != Tuning::measured) return {network, options.engine};
    const CompleteOnInterrupt completing;
    options.engine.stop_measuring = [&] { return completing.requested() || draining(); };
    return {network, options.engine};
}

bool on_cpu(const Engine& engine) { return engine.description().starts_with("cpu"); }

void tell_if_nothing_is_measured(const Engine& engine, const RunOptions& options) {
    if (options.engine.tuning == Tuning::measured && on_cpu(engine) && !options.quiet)
        message("yolo-run: --tune measures a GPU's kernels; this runs on the CPU, and nothing is measured");
}

void start_serving(Serving& serving, const RunOptions& options, const Engine& engine,
                   const std::vector<std::string>& class_names, const DrawOptions& drawing, Metrics& metrics) {
    const auto note = [quiet = options.quiet](const std::string& sentence) {
        if (!quiet) message("yolo-run: {}", sentence);
    };
    serving.start(engine, options.engine, class_names, drawing, metrics, {options.serve_inputs, note});
    for (const std::string& line : serving.addresses())
        if (!options.quiet) message("{}", line);
}

int leave(int status) {
#ifndef __SANITIZE_ADDRESS__  // which looks for leaks at the end
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) exit_early(status);
#endif
    return status;
}

}  // namespace convoy::tools
