// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace convoy::tools {

/// A stage of Engine::stats(): "network", with several devices "cuda:1 network".
struct StageName {
    std::string device, stage;

    /// `engine`: Engine::description(), which begins with the name of a device that is alone.
    StageName(const std::string& engine, const std::string& name)
        : device(engine.substr(0, engine.find_first_of(" ,"))), stage(name) {
        const std::size_t space = name.find(' ');
        if (space == name.npos || name.find(':') > space) return;
        device = name.substr(0, space);
        stage = name.substr(space + 1);
    }
};

}  // namespace convoy::tools
