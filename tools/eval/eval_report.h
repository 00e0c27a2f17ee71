// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tools/eval/average_precision.h"

namespace convoy::eval {

/// The scores as a table for people, in percent.
std::string scores_text(const Dataset& dataset, const Scores& scores);

/// The scores as shares 0 … 1, null where there is none: "AP", "AP50", …, "classes": [{"category_id", "name", …}].
nlohmann::ordered_json scores_json(const Dataset& dataset, const Scores& scores);

}  // namespace convoy::eval
