// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "tools/run_pipeline.h"

namespace convoy::tools {

/// The report as one page that needs nothing else: where the time went, latencies, boxes over time by class, where in
/// the picture they were (over InputSummary::view), zone counts, and the contact sheet `sheet` (a file of which there
/// is none: left out).
std::string report_html(const RunSummary& summary, const std::string& engine,
                        const std::vector<std::string>& class_names, const std::string& sheet);

}  // namespace convoy::tools
