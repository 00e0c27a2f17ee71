// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <convoy/media/input.h>
#include "tools/run_charts.h"

namespace convoy::tools {

/// That frame of a file, decoded once more, as a small JPEG with what is of the classes `blurred` made unrecognisable.
/// "" where it cannot be had: of a pipe, an address or a camera, or a file that is another one by now.
std::string jpeg_of_view(const std::string& path, const media::InputOptions& options, const InputCharts::View& view,
                         const std::vector<int>& blurred);

}  // namespace convoy::tools
