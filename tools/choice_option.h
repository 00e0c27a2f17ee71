// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

namespace convoy::tools {

/// Adds an option that takes one of the named values; anything else is a usage error that lists them.
template <typename T>
CLI::Option* add_choice(CLI::App& app, const std::string& name, T& target,
                        std::vector<std::pair<std::string, T>> choices, const std::string& help) {
    std::string list;
    for (const auto& [key, value] : choices) list += (list.empty() ? "" : "|") + key;
    const auto set = [&target, choices, name, list](const std::string& text) {
        for (const auto& [key, value] : choices)
            if (key == text) {
                target = value;
                return;
            }
        throw CLI::ValidationError(name, "'" + text + "' is none of " + list);
    };
    return app.add_option_function<std::string>(name, set, help)->type_name(list);
}

}  // namespace convoy::tools
