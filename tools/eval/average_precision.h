// SPDX-License-Identifier: MIT
//
// COCO's scores: average precision over 101 recalls and ten IoU thresholds, average recall, by area and by category
// (cocoapi PythonAPI/pycocotools/cocoeval.py, accumulate and summarize).
#pragma once

#include <array>
#include <span>
#include <vector>

#include "tools/eval/dataset.h"

namespace convoy::eval {

/// Recalls 0, .01, … 1 at which a curve is read.
inline constexpr std::size_t kRecalls = 101;

/// A score that does not exist because no object counts for it; left out of every mean.
inline constexpr double kAbsent = -1;

using Curve = std::array<double, kRecalls>;  ///< precision at each recall

/// All scores are shares, 0 … 1, or kAbsent.
struct CategoryScores {
    std::size_t objects = 0;     ///< without crowds
    std::size_t detections = 0;  ///< all that were handed in
    double ap = kAbsent;         ///< mean over IoU .50 … .95
    double ap50 = kAbsent, ap75 = kAbsent;
    double recall = kAbsent;  ///< mean over IoU .50 … .95, best 100 detections a picture
    Curve curve50{};          ///< at IoU .5; only with objects
};

struct Scores {
    double ap = kAbsent, ap50 = kAbsent, ap75 = kAbsent;
    double ap_small = kAbsent, ap_medium = kAbsent, ap_large = kAbsent;  ///< area up to 32², up to 96², above
    double ar1 = kAbsent, ar10 = kAbsent,
           ar100 = kAbsent;  ///< with the best 1, 10, 100 detections of a category a picture
    double ar_small = kAbsent, ar_medium = kAbsent, ar_large = kAbsent;
    std::vector<CategoryScores> categories;  ///< in the order of Dataset::categories
    Curve curve50{};                         ///< mean over the categories that have objects
};

/// Scores `detections`, given in the order of their file (equal scores are decided by it).
Scores score(const Dataset& dataset, std::span<const ScoredBox> detections);

}  // namespace convoy::eval
