// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <convoy/media/input.h>
#include "tools/fleet/manifest.h"

namespace convoy::fleet {

struct ManifestOptions {
    std::filesystem::path folder;  ///< that the manifest will lie in; relative paths are made to count from there
    double part_s = 0;             ///< how long the parts of long videos are about; 0: nothing is cut
    int at_once = 1;               ///< inputs that are looked at side by side
    /// How many inputs have been looked at, now and then, from the calling thread.
    std::function<void(std::size_t inputs)> tell = {};
};

struct MadeManifest {
    std::vector<Unit> units;
    std::size_t inputs = 0;
    std::vector<std::string> left_out;  ///< why an input is not in it, a sentence each
    std::vector<std::string> whole;     ///< why a long video is one part, a sentence each
};

/// Looks at every input as deep as a run that opens it, and looks for cuts in long ones.
MadeManifest make_manifest(const media::ExpandedInputs& inputs, const ManifestOptions& options);

}  // namespace convoy::fleet
