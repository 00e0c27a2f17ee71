// SPDX-License-Identifier: MIT
//
// What yolo-run does once a run is over: its reports, what it says of it, and with which status it ends.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <convoy/engine.h>
#include "tools/options.h"
#include "tools/run_pipeline.h"
#include "tools/unit_run.h"

namespace convoy::tools {

std::vector<std::string> outputs_of(const Sinks& sinks);

/// Default results are the program's answer, so their paths go to standard output; named ones are only confirmed.
void list_outputs(const RunOptions& options, const std::vector<std::string>& paths,
                  const std::vector<std::string>& replaced);

/// What goes wrong here is said at the end, for the results are there.
std::vector<std::string> write_reports(const RunOptions& options, RunSummary& summary, const Engine& engine,
                                       const std::vector<std::string>& class_names, const std::vector<int>& blurred,
                                       const std::vector<std::string>& outputs);

/// Once everything is written: says how it went, and gives the exit status. `units`: of a run that was done unit by
/// unit.
int conclude(const RunOptions& options, const RunSummary& summary, const Engine& engine,
             const std::vector<std::string>& errors, const std::optional<UnitRun::Tally>& units);

}  // namespace convoy::tools
