// SPDX-License-Identifier: MIT
//
// Any bytes as a file of options: what is read can be written and comes back, what is not says where it is wrong.
#include "tools/settings.h"
#include <convoy/error.h>
#include <CLI/CLI.hpp>
#include "tests/fuzz/input.h"
#include "tools/options.h"
#include "tools/settings_file.h"

using namespace convoy;
using namespace convoy::tools;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::Scratch scratch;
    const std::string text(reinterpret_cast<const char*>(data), size);
    try {
        for (const Setting& setting : parse_settings(text, "c.toml")) {
            require(!setting.values.empty() && setting.where.starts_with("c.toml:"));
            for (const std::string& value : setting.values)
                require(parse_settings("a = " + toml_value(value), "c.toml").at(0).values.at(0) == value);
        }
        CLI::App app;
        RunOptions options;
        options.add_to(app);
        std::vector<std::string> arguments = {"--config", scratch.write("c.toml", text), "a.mp4"};
        add_settings(
            app, arguments, [](const char*) -> const char* { return nullptr; }, check_alone);
        require(arguments.size() >= 3);
    } catch (const Error& error) {
        require(std::string_view(error.what()).size() < 2000 + size);
        require(std::string_view(error.what()).find("c.toml") != std::string_view::npos);
    }
    return 0;
}
