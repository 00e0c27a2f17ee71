// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "tools/eval/dataset.h"

namespace convoy::eval {

/// Reads a folder with images/ and labels/ in it (subfolders allowed, the same in both), or one with pictures and label
/// files side by side. A label file has the picture's name with .txt and a line per object: `class cx cy w h`, centre
/// and size as shares of the picture's; its class indexes `categories`. A picture without one has no objects but
/// counts. An object's area is that of its box. A picture's id is the number that ends its name (000000000042.jpg,
/// COCO_val2014_000000000042.jpg: 42), as in Darknet; where names do not end in numbers of their own, 1, 2, … by name.
/// Throws Error(input) with file and line.
Dataset read_yolo_dataset(const std::string& folder, const std::vector<Category>& categories);

}  // namespace convoy::eval
