// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "tools/run_pipeline.h"

namespace convoy::tools {

/// What holds a run back.
struct Bottleneck {
    std::string stage;     ///< "network", "decode", "draw and encode", …
    double busy = 0;       ///< share of the run in which it was busy, 0 … 1
    std::string sentence;  ///< the same for people, and what would help
};
Bottleneck bottleneck(const RunSummary& summary);

/// Tables of where the time went, device by device, and what held the run back. `engine` is Engine::description().
std::string report_text(const RunSummary& summary, const std::string& engine);

/// The same, and the inputs one by one, as a JSON object.
std::string report_json(const RunSummary& summary, const std::string& engine);

}  // namespace convoy::tools
