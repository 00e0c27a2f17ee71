// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace convoy::tools {

/// What a model file of another program is, by its content: "a PyTorch model (.pt), as ultralytics writes it"; "" where
/// it is none of those that are known, or cannot be read. A folder may be one, too.
std::string foreign_model(const std::string& path);

/// Where people find Darknet models: the end of a sentence.
extern const char* const kGetAModel;

}  // namespace convoy::tools
