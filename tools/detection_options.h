// SPDX-License-Identifier: MIT
//
// Options that say which boxes are wanted. Those that name classes are read once the network is known.
#pragma once

#include <string>
#include <vector>

#include <convoy/network.h>
#include <convoy/options.h>
#include "tools/cli.h"

namespace convoy::tools {

struct DetectionOptions {
    std::string confidence;  ///< ".25,person=.4"; empty: DetectOptions' default
    std::string classes;     ///< "person,car"; empty keeps all
    std::string blur;        ///< the same: whose boxes are made unrecognisable

    void add_to(CLI::App& app, DetectOptions& detect);
    /// Sets what these texts say. Throws Error(usage) for a class that the model does not know, with the names that
    /// come near, and for what is no threshold.
    void apply(const Network& network, DetectOptions& detect) const;
    std::vector<int> blurred(const Network& network) const;
};

}  // namespace convoy::tools
