// SPDX-License-Identifier: MIT
//
// COCO's annotation JSON, and the order of its categories.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/eval/dataset.h"

namespace convoy::eval {

/// Reads "images", "categories" and "annotations". Picture paths stay relative: see locate_pictures().
/// Throws Error(input) with file and line for malformed JSON, with file, array, index and key for what does not fit.
Dataset read_coco_dataset(const std::string& path);

/// Makes the pictures' paths complete: below `folder`, or, when that is empty, below the first of these that holds
/// them: the annotation file's folder, images/ in it, and, for instances_NAME.json, NAME/ and images/NAME/ beside its
/// folder. Throws Error(input) that lists where it looked.
void locate_pictures(Dataset& dataset, const std::string& folder);

/// The category id of each of COCO's 80 classes in Darknet's order: 1 … 90 with gaps (coco_ids in examples/detector.c).
const std::vector<std::int64_t>& coco_category_ids();

/// The categories of `classes` classes: COCO's ids for 80, else 1, 2, …; `names` may be empty.
std::vector<Category> categories_of_classes(std::size_t classes, const std::vector<std::string>& names);

/// For every class of a model the index of its category, or nullopt for a class that the categories lack.
/// In order of the ids when there are as many categories as classes and no name stands at two different places
/// (Darknet spells "tvmonitor" what COCO spells "tv"); else by name, case and white space aside.
/// Throws Error(input) when not one class has a category.
std::vector<std::optional<std::size_t>> match_categories(const Dataset& dataset, std::size_t classes,
                                                         const std::vector<std::string>& names);

}  // namespace convoy::eval
