// SPDX-License-Identifier: MIT
//
// What a ZoneCounter has counted, as text; docs/zones.md describes it. Lines end with "\n".
#pragma once

#include <string>

#include "tools/analysis/zones.h"

namespace convoy::analysis {

/// The first line of a file of rows, and a line of it.
std::string counts_csv_header();
std::string counts_csv_line(const ZoneCounter& counter, const CountRow& row);

/// The first line of a file of visits, and a line of it.
std::string visits_csv_header();
std::string visits_csv_line(const ZoneCounter& counter, const Visit& visit);

/// Everything since the first frame, as one JSON object.
std::string totals_json(const ZoneCounter& counter);

}  // namespace convoy::analysis
