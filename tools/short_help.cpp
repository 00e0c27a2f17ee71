// SPDX-License-Identifier: MIT
#include "tools/short_help.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <utility>

namespace convoy::tools {
namespace {

class ShortHelp : public CLI::Formatter {
public:
    explicit ShortHelp(std::set<std::string> first) : first_(std::move(first)) {}

    std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override {
        if (mode != CLI::AppFormatMode::Normal) return CLI::Formatter::make_help(app, name, mode);
        std::string text = make_description(app) + make_usage(app, name) + "\n";
        for (const CLI::Option* option : app->get_options())
            if (std::any_of(option->get_lnames().begin(), option->get_lnames().end(),
                            [&](const std::string& long_name) { return first_.count(long_name) > 0; }))
                text += make_option(option, false);
        return text + "\n" + make_footer(app);
    }

    // What an option excludes is said by whoever gives both.
    std::string make_option_opts(const CLI::Option* option) const override {
        return option->get_type_name().empty() ? "" : " " + option->get_type_name();
    }

private:
    const std::set<std::string> first_;
};

}  // namespace

void add_short_help(CLI::App& app, std::set<std::string> first) {
    app.set_help_flag("--help,-h", "the options that one needs first");
    app.set_help_all_flag("--help-all", "all options");
    const auto formatter = std::make_shared<ShortHelp>(std::move(first));
    formatter->column_width(36);
    app.formatter(formatter);
}

}  // namespace convoy::tools
