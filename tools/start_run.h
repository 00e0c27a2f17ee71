// SPDX-License-Identifier: MIT
//
// What yolo-run's ways of working (a run, serve_pictures.h, tune_kernels.h) begin and end with.
#pragma once

#include <string>
#include <vector>

#include <convoy/engine.h>
#include "tools/options.h"
#include "tools/serving.h"

namespace convoy::tools {

/// With --verbose what libav says is printed as ours is; else nothing of it.
void print_what_libav_says(bool verbose);

/// Throws Error(usage) where a command without an input is given an option that only a run with inputs has.
void refuse_what_needs_inputs(const char* command, const RunOptions& options);

/// The model, with what is asked of its detections. Prints its warnings, and lets the engine print its notices.
Network load_network(RunOptions& options);

/// Where kernels are measured, an interrupt ends that and not the command: what is known then is remembered.
Engine make_engine(const Network& network, RunOptions& options);
bool on_cpu(const Engine& engine);
/// Says so where --tune has nothing to measure.
void tell_if_nothing_is_measured(const Engine& engine, const RunOptions& options);
inline constexpr const char* kMeasuringStopped = "yolo-run: interrupted; what was measured until then is remembered";

/// Begins to answer what the options let it serve, and says where.
void start_serving(Serving& serving, const RunOptions& options, const Engine& engine,
                   const std::vector<std::string>& class_names, const DrawOptions& drawing, Metrics& metrics);

/// Once all is written: `status`, or the end of the process with it. To free what lies on GPUs piece by piece takes a
/// third of a second; the system frees it by itself.
int leave(int status);

}  // namespace convoy::tools
