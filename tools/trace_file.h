// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <convoy/trace.h>

namespace convoy::tools {

/// Spans in Chrome's trace format, for Perfetto (ui.perfetto.dev) or chrome://tracing: a process for each group, a
/// thread for each track.
std::string chrome_trace(const std::vector<TraceSpan>& spans);

}  // namespace convoy::tools
