// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "tools/option_values.h"

namespace convoy::tools {

/// A check by a function that throws Error for what it cannot read.
template <typename Parse>
CLI::Validator checked_by(Parse parse) {
    return {[parse](const std::string& text) -> std::string {
                try {
                    parse(text);
                    return "";
                } catch (const Error& error) {
                    return error.what();
                }
            },
            ""};
}

/// Adds an option that takes one of the named values; anything else is a usage error that lists them.
template <typename T>
CLI::Option* add_choice(CLI::App& app, const std::string& name, T& target, const Choices<T>& choices,
                        const std::string& help) {
    std::string list;
    for (const auto& [key, value] : choices) list += (list.empty() ? "" : "|") + key;
    return app
        .add_option_function<std::string>(
            name, [&target, choices](const std::string& text) { target = parse_choice(text, choices); }, help)
        ->type_name(list)
        ->check(checked_by([choices](const std::string& text) { parse_choice(text, choices); }));
}

}  // namespace convoy::tools
