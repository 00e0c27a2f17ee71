// SPDX-License-Identifier: MIT
//
// Options from the environment and from a file, beneath those of the command line.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/cli.h"

namespace convoy::tools {

/// Parses arguments that are an option and its value, as if there were no others; throws CLI::ParseError for a wrong
/// one.
using CheckAlone = std::function<void(const std::vector<std::string>& arguments)>;
/// As std::getenv().
using Environment = std::function<const char*(const char* name)>;

/// The variable of an option: CONVOY_MAX_BOXES of --max-boxes.
std::string variable_of(const std::string& option);

/// Whether a file or the environment may set it: neither what only shows something nor the inputs.
bool is_setting(const CLI::Option& option);

/// Puts in front of a command line's `arguments` what the environment sets and, beneath that, what the file says that
/// --config or CONVOY_CONFIG names. What stands higher takes away what stands lower: the same option, and those that
/// cannot go together with it. Throws Error(usage) that says where a wrong name or value stands.
void add_settings(const CLI::App& app, std::vector<std::string>& arguments, const Environment& environment,
                  const CheckAlone& check);

/// All that was set, as such a file.
std::string print_settings(const CLI::App& app);

}  // namespace convoy::tools
