// SPDX-License-Identifier: MIT
//
// What is made of a command's options for people who use a shell.
#pragma once

#include <string>

#include "tools/cli.h"

namespace convoy::tools {

/// A page for man(1): options by group, then what the app's footer says.
std::string man_page(const CLI::App& app);

/// A script that completes options, their choices, files and folders in bash.
std::string bash_completion(const CLI::App& app);

}  // namespace convoy::tools
