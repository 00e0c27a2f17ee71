// SPDX-License-Identifier: MIT
//
// COCO results JSON, as Darknet's `detector valid` writes with eval=coco and as pycocotools reads:
// [{"image_id":42, "category_id":18, "bbox":[x, y, width, height], "score":0.87}, …]
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tools/eval/dataset.h"

namespace convoy::eval {

/// Reads detections of `dataset`'s pictures, in the order of the file. Those of a category that the dataset lacks are
/// left out, as pycocotools does, and noted in dataset.notes. Throws Error(input) with file and line for malformed
/// JSON, with the detection's index for one that does not fit or is of an unknown picture.
std::vector<ScoredBox> read_results(const std::string& path, Dataset& dataset);

/// The same as text. Numbers are as short as they can be and still be read back to the same float.
std::string results_json(const Dataset& dataset, std::span<const ScoredBox> detections);

}  // namespace convoy::eval
