// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "tools/eval/average_precision.h"

namespace convoy::eval {

/// Precision over recall at IoU .5 as an SVG picture of 960 x 600: the mean of all classes that have objects, the five
/// best and five worst of them by name, the others in grey. `title` stands above it.
std::string pr_curves_svg(const Dataset& dataset, const Scores& scores, const std::string& title);

}  // namespace convoy::eval
