// SPDX-License-Identifier: MIT
#include "tools/analysis/text.h"

#include <nlohmann/json.hpp>

namespace convoy::analysis {

std::string json_string(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string as_utf8(const std::string& text) { return nlohmann::json::parse(json_string(text)).get<std::string>(); }

std::string csv_field(const std::string& text) {
    const std::string utf8 = as_utf8(text);
    if (utf8.find_first_of(",\"\r\n") == utf8.npos) return utf8;
    std::string field = "\"";
    for (const char c : utf8) field += c == '"' ? "\"\"" : std::string(1, c);
    return field + '"';
}

}  // namespace convoy::analysis
