// SPDX-License-Identifier: MIT
//
// The command line of yolo-run.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/model_options.h"
#include "tools/sinks/make_sinks.h"

namespace convoy::tools {

struct RunOptions {
    std::vector<std::string> inputs;  ///< as given; folders not yet expanded
    ModelOptions model;
    EngineOptions engine;     ///< detect.classes stays empty until parse_classes()
    std::string classes;      ///< "person,car"; empty keeps all
    std::int64_t frames = 0;  ///< stop each input after so many frames; 0 takes all
    OutputOptions output;
    std::string report_json;
    bool report = false, quiet = false, verbose = false;

    /// Adds every option, the help text and the version. The object must stay where it is until parsing is over.
    void add_to(CLI::App& app);
};

/// Class ids for a comma-separated list of class names and ids. Throws Error(usage) for one that the model does not
/// know, with the names that come near.
std::vector<int> parse_classes(const std::string& list, const Network& network);

}  // namespace convoy::tools
