// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <convoy/detection.h>
#include <convoy/media/draw.h>
#include "tools/analysis/zones.h"

namespace convoy::tools {

/// What a result that was shown in order says of zones: its note. Null where nothing was counted.
inline const analysis::ZoneState* zone_counts_of(const Result& result) {
    return static_cast<const analysis::ZoneState*>(result.note.get());
}

/// Zones and lines to draw on a frame, with its counts where there are some.
std::vector<media::Outline> zone_outlines(const analysis::Zones& zones, const Result& result);

}  // namespace convoy::tools
