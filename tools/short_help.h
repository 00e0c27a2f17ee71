// SPDX-License-Identifier: MIT
#pragma once

#include <set>
#include <string>

#include "tools/cli.h"

namespace convoy::tools {

/// Gives `app` a --help that shows the options in `first` (long names, without dashes) and what the app's footer says,
/// and a --help-all that shows all of them by group.
void add_short_help(CLI::App& app, std::set<std::string> first);

}  // namespace convoy::tools
