// SPDX-License-Identifier: MIT
//
// Other people's names as text that all can read. Bytes that are no UTF-8 become U+FFFD in all of it.
#pragma once

#include <string>

namespace convoy::analysis {

std::string as_utf8(const std::string& text);

/// As a JSON string, quotes included.
std::string json_string(const std::string& text);

/// As a field of comma-separated values by RFC 4180: in UTF-8, and in quotes where that is needed.
std::string csv_field(const std::string& text);

}  // namespace convoy::analysis
