// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace convoy::tools {

/// A JSON file for people, without the line end. Names and paths are other people's: bytes that are no UTF-8 become
/// U+FFFD.
inline std::string json_text(const nlohmann::ordered_json& json) {
    return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace convoy::tools
