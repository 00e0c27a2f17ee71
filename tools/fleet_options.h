// SPDX-License-Identifier: MIT
//
// The options of yolo-run for work that is done unit by unit.
#pragma once

#include "tools/options.h"

namespace convoy::tools {

void add_fleet_options(CLI::App& app, RunOptions& options);

/// Throws CLI::ValidationError for those that do not go together.
void check_fleet_options(const CLI::App& app, const RunOptions& options);

}  // namespace convoy::tools
