// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "tools/run_pipeline.h"

namespace convoy::tools {

/// A table of where the time went, and which stage holds the run back. `engine` is Engine::description().
std::string report_text(const RunSummary& summary, const std::string& engine);

/// The same, and the inputs one by one, as a JSON object.
std::string report_json(const RunSummary& summary, const std::string& engine);

/// Writes `text` as the file `path`. Throws Error(output).
void write_text_file(const std::string& path, const std::string& text);

}  // namespace convoy::tools
