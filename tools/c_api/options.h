// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <convoy/load.h>
#include <convoy/media/input.h>
#include <convoy/options.h>
#include "tools/option_values.h"

struct convoy_options {
    convoy::EngineOptions engine;
    convoy::LoadOptions load;
    convoy::media::InputOptions input;
    // What these mean is known once there is a model.
    std::string classes;
    std::vector<convoy::tools::Threshold> confidence;
    std::vector<std::string> inputs;  ///< those of the first convoy_run(), where they are known
};

namespace convoy::c_api {

/// Throws Error(usage).
void set_option(convoy_options& options, const std::string& name, const std::string& value);
/// Of options with the network's classes. Throws Error(usage) for a class that the network has not.
EngineOptions engine_options(const convoy_options& options, const Network& network);

}  // namespace convoy::c_api
