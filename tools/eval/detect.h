// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <vector>

#include <convoy/engine.h>
#include "tools/eval/dataset.h"

namespace convoy::eval {

/// Runs every picture of `dataset` through `engine`; `category_of_class` is match_categories()'s answer, and detections
/// of classes without a category are dropped. `after` is told of each result, and how many pictures are done.
/// nullopt when `stop` became true. Throws Error(input) for a picture that cannot be read or is not of the size that
/// the annotations say: a score without it would be wrong.
std::optional<std::vector<ScoredBox>> detect_pictures(
    Engine& engine, const Dataset& dataset, const std::vector<std::optional<std::size_t>>& category_of_class,
    const std::function<void(std::size_t done, const Result& result)>& after, const std::atomic<bool>& stop);

}  // namespace convoy::eval
