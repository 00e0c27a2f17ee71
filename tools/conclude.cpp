// SPDX-License-Identifier: MIT
#include "tools/conclude.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>

#include <convoy/trace.h>
#include "tools/exit_status.h"
#include "tools/interrupt.h"
#include "tools/media/files.h"
#include "tools/message.h"
#include "tools/report.h"
#include "tools/report_html.h"
#include "tools/report_view.h"
#include "tools/trace_file.h"

namespace convoy::tools {
namespace {

// The results are whole, but somebody should look at the machine.
bool report_failed_devices(const RunReport& run) {
    bool any = false;
    for (const DeviceReport& device : run.devices) {
        if (device.failure.empty()) continue;
        any = true;
        print_error("yolo-run", fmt::format("{} has failed, the others did its work: {}", device.name, device.failure));
    }
    return any;
}

// A scheduler is told what is to be done with the rest.
int conclude_units(const UnitRun::Tally& units, const RunSummary& summary, const RunOptions& options) {
    const auto also = [](std::int64_t n, const char* what) { return n > 0 ? fmt::format(", {} {}", n, what) : ""; };
    const char* const noun = options.manifest.empty() ? "input" : "unit";
    if (!options.quiet)
        message("yolo-run: {} {}{} done{}{}{}{}{}", units.done, noun, units.done == 1 ? "" : "s",
                also(units.resumed, "gone on with"), also(units.done_before, "done before"),
                also(units.failed, "failed"), also(units.again, "to be tried again"), also(units.left, "left"));
    if (summary.interrupted && !draining()) return kInterrupted;
    if (units.again > 0 || units.left > 0) return kTryAgain;
    return units.failed > 0 ? kBadData : kSuccess;
}

}  // namespace

std::vector<std::string> outputs_of(const Sinks& sinks) {
    std::vector<std::string> all;
    const auto add = [&](const std::vector<std::string>& paths) { all.insert(all.end(), paths.begin(), paths.end()); };
    for (const auto& sink : sinks.records) add(sink->outputs());
    for (const auto& sink : sinks.pictures) add(sink->outputs());
    return all;
}

void list_outputs(const RunOptions& options, const std::vector<std::string>& paths,
                  const std::vector<std::string>& replaced) {
    for (const std::string& path : paths) {
        if (options.output.none())
            print_result(path + "\n");
        else if (!options.quiet)
            message("wrote {}{}", path,
                    std::count(replaced.begin(), replaced.end(), path) ? ", in place of the one that was there" : "");
    }
    std::fflush(stdout);
}

std::vector<std::string> write_reports(const RunOptions& options, RunSummary& summary, const Engine& engine,
                                       const std::vector<std::string>& class_names, const std::vector<int>& blurred,
                                       const std::vector<std::string>& outputs) {
    std::vector<std::string> errors;
    const auto write = [&](const std::string& path, const std::string& text) {
        try {
            media::write_file(path, text, interrupt_is_overdue);
        } catch (const Error& error) {
            (interrupt_is_overdue() ? summary.given_up : errors).emplace_back(error.what());
        }
    };
    if (options.engine.trace) write(options.trace, chrome_trace(options.engine.trace->take()));
    if (!options.report_json.empty()) write(options.report_json, report_json(summary, engine.description()));
    if (!options.report_html.empty()) {
        for (InputSummary& input : summary.inputs)
            if (input.charts && input.charts->view)
                input.view = jpeg_of_view(input.path, options.input, *input.charts->view, blurred);
        write(options.report_html, report_html(summary, engine.description(), class_names,
                                               std::count(outputs.begin(), outputs.end(), options.output.contact_sheet)
                                                   ? options.output.contact_sheet
                                                   : ""));
    }
    return errors;
}

int conclude(const RunOptions& options, const RunSummary& summary, const Engine& engine,
             const std::vector<std::string>& errors, const std::optional<UnitRun::Tally>& units) {
    if (options.report) print_message(printable(report_text(summary, engine.description()), true) + "\n");
    if (options.engine.trace && options.engine.trace->dropped() > 0)
        message("yolo-run: the trace ends early: it was full");
    for (const std::string& sentence : errors) print_error("yolo-run", sentence);
    for (const std::string& sentence : summary.given_up) print_error("yolo-run", sentence);
    if (!summary.run.failure.empty()) {
        print_error("yolo-run", "no device is left: " + summary.run.failure +
                                    "; what was written is complete up to the last frame");
        return kUnfit;
    }
    if (units) {
        if (const int status = conclude_units(*units, summary, options); status != kSuccess) return status;
    } else if (summary.interrupted || !summary.given_up.empty()) {
        message("yolo-run: interrupted; what was written{} is complete up to the last frame",
                summary.given_up.empty() ? "" : " elsewhere");
        return kInterrupted;
    }
    const bool failed = !errors.empty() || std::any_of(summary.inputs.begin(), summary.inputs.end(),
                                                       [](const auto& input) { return !input.end.error.empty(); });
    if (failed) return kBadData;
    return report_failed_devices(summary.run) ? kDeviceFailed : kSuccess;
}

}  // namespace convoy::tools
