// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tools/fleet/merge.h"

namespace convoy::fleet {

/// What was done, by whom and in what time: lines for people.
std::string report_text(const Manifest& manifest, const Survey& survey);
/// The same for programs; docs/outputs.md describes it.
nlohmann::ordered_json report_json(const Manifest& manifest, const Survey& survey);

}  // namespace convoy::fleet
