// SPDX-License-Identifier: MIT
//
// A file of options: the part of TOML that has keys with values, one a line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace convoy::tools {

/// An option's values, from a file or from the environment.
struct Setting {
    std::string name;                 ///< without dashes
    std::vector<std::string> values;  ///< several of a list
    bool is_switch = false;           ///< true or false, unquoted
    std::string where;                ///< "convoy.toml:3", for complaints
};

/// Throws Error(usage) that names file and line. Strings are in quotes, or literal in single ones; numbers, true and
/// false are bare; lists are in brackets. Tables, dates and strings of several lines are refused.
std::vector<Setting> parse_settings(std::string_view text, const std::string& path);

/// Reads such a file of up to 1 MiB. Throws Error(input) for one that cannot be read.
std::vector<Setting> read_settings(const std::string& path);

/// `text` as TOML has it: as it is where it is a number, else in quotes.
std::string toml_value(std::string_view text);

}  // namespace convoy::tools
