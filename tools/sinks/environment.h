// SPDX-License-Identifier: MIT
//
// What --mqtt, --kafka and --webhook take from the environment.
#pragma once

#include <functional>
#include <string>

namespace convoy::tools {

/// As std::getenv().
using Environment = std::function<const char*(const char* name)>;

/// "" where there is none.
std::string variable(const Environment& environment, const std::string& name);

/// Of ASCII.
bool is_control(char c);

/// Throws Error(usage), which begins with `option`, unless the file that the variable `name` names is a regular one
/// with a certificate in it. Libraries would wait for ever for somebody to write into a pipe.
void check_ca_file(const std::string& option, const std::string& name, const std::string& path);

}  // namespace convoy::tools
