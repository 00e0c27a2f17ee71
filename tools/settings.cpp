// SPDX-License-Identifier: MIT
#include "tools/settings.h"

#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cctype>
#include <set>
#include <string_view>

#include <convoy/error.h>
#include "tools/edit_distance.h"
#include "tools/settings_file.h"

namespace convoy::tools {
namespace {

bool is_flag(const CLI::Option& option) { return option.get_expected_min() == 0; }

/// Of a flag that turns something off, such as --no-latency.
bool is_negated(const CLI::Option& option) { return !option.get_fnames().empty(); }

std::string parsed_flag(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    for (const char* yes : {"true", "1", "yes", "on"})
        if (text == yes) return "true";
    for (const char* no : {"false", "0", "no", "off"})
        if (text == no) return "false";
    return "";
}

std::vector<std::string> split(const std::string& text, char at) {
    std::vector<std::string> parts;
    for (std::size_t start = 0; start <= text.size();) {
        const std::size_t end = std::min(text.find(at, start), text.size());
        parts.push_back(text.substr(start, end - start));
        start = end + 1;
    }
    return parts;
}

const CLI::Option* find(const CLI::App& app, const std::string& name) {
    return name.empty() ? nullptr : app.get_option_no_throw("--" + name);
}

/// What is set already, from the command line downwards.
class Layers {
public:
    Layers(const CLI::App& app, const CheckAlone& check) : app_(app), check_(check) {}

    /// Takes what the command line names.
    void take_arguments(const std::vector<std::string>& arguments) {
        for (std::size_t i = 0; i < arguments.size() && arguments[i] != "--"; ++i) {
            const std::string& argument = arguments[i];
            const std::size_t equals = argument.find('=');
            const CLI::Option* option =
                argument.starts_with("-") ? app_.get_option_no_throw(argument.substr(0, equals)) : nullptr;
            if (!option) continue;
            take(*option);
            const bool value_follows = !is_flag(*option) && equals == std::string::npos && i + 1 < arguments.size();
            if (option->check_lname("config") && (value_follows || equals != std::string::npos))
                config_ = value_follows ? arguments[i + 1] : argument.substr(equals + 1);
            i += value_follows;
        }
    }

    /// The next layer beneath.
    void add(const std::vector<Setting>& settings, std::vector<std::string>& arguments) {
        std::vector<const CLI::Option*> added, off;
        for (const Setting& setting : settings) {
            const CLI::Option& option = option_of(setting);
            const std::vector<std::string> meant = arguments_of(setting, option);
            try {
                if (!meant.empty()) check_(meant);
            } catch (const CLI::ParseError& error) {
                throw Error(ErrorKind::usage, fmt::format("{}: {}", setting.where, error.what()));
            }
            if (taken_.count(&option)) continue;
            arguments.insert(arguments.end(), meant.begin(), meant.end());
            (meant.empty() ? off : added).push_back(&option);
        }
        for (const CLI::Option* option : added) take(*option);
        taken_.insert(off.begin(), off.end());
    }

    const std::string& config() const { return config_; }

private:
    void take(const CLI::Option& option) {
        taken_.insert(&option);
        for (const CLI::Option* other : option.get_excludes()) taken_.insert(other);
    }

    const CLI::Option& option_of(const Setting& setting) const {
        const CLI::Option* option = find(app_, setting.name);
        if (option && is_setting(*option)) return *option;
        std::vector<std::string> names;
        for (const CLI::Option* other : app_.get_options())
            if (is_setting(*other) && !other->get_group().empty())
                names.insert(names.end(), other->get_lnames().begin(), other->get_lnames().end());
        const std::string near = nearest(setting.name, names);
        throw Error(ErrorKind::usage,
                    option ? fmt::format("{}: '{}' stands on the command line alone", setting.where, setting.name)
                           : fmt::format("{}: there is no option '{}'{}", setting.where, setting.name.substr(0, 40),
                                         near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
    }

    static std::vector<std::string> arguments_of(const Setting& setting, const CLI::Option& option) {
        const auto fail = [&](const std::string& what) {
            throw Error(ErrorKind::usage, fmt::format("{}: '{}' {}", setting.where, setting.name, what));
        };
        const std::string name = "--" + setting.name;
        if (is_flag(option)) {
            const std::string value = setting.values.size() == 1 ? parsed_flag(setting.values[0]) : "";
            if (value.empty()) fail("is true or false");
            return value == "true" ? std::vector{name} : std::vector<std::string>{};
        }
        if (setting.is_switch) fail("takes a value, not true or false");
        if (setting.values.size() > 1 && option.get_expected_max() == 1) fail("takes one value");
        std::vector<std::string> arguments;
        for (const std::string& value : setting.values) {
            if (value.empty() && setting.name != "tuning-cache") fail("has an empty value; leave it out");
            if (value.empty())
                arguments.insert(arguments.end(), {name, value});
            else
                arguments.push_back(name + "=" + value);
        }
        return arguments;
    }

    const CLI::App& app_;
    const CheckAlone& check_;
    std::set<const CLI::Option*> taken_;
    std::string config_;
};

std::vector<Setting> from_environment(const CLI::App& app, const Environment& environment) {
    std::vector<Setting> settings;
    for (const CLI::Option* option : app.get_options()) {
        if (!is_setting(*option)) continue;
        const std::string variable = variable_of(option->get_lnames().front());
        const char* const value = environment(variable.c_str());
        if (!value || !*value) continue;
        const bool several = !is_flag(*option) && option->get_expected_max() > 1;
        settings.push_back({option->get_lnames().front(), several ? split(value, ';') : std::vector<std::string>{value},
                            false, variable});
    }
    return settings;
}

bool shows_something(const std::vector<std::string>& arguments) {
    return std::any_of(arguments.begin(), arguments.end(), [](const std::string& argument) {
        return argument == "--help" || argument == "-h" || argument == "--help-all" || argument == "--version";
    });
}

}  // namespace

std::string variable_of(const std::string& option) {
    std::string name = "CONVOY_" + option;
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return c == '-' ? '_' : char(std::toupper(c)); });
    return name;
}

bool is_setting(const CLI::Option& option) { return option.get_configurable() && !option.get_lnames().empty(); }

void add_settings(const CLI::App& app, std::vector<std::string>& arguments, const Environment& environment,
                  const CheckAlone& check) {
    if (shows_something(arguments)) return;
    Layers layers(app, check);
    layers.take_arguments(arguments);
    std::vector<std::string> added;
    layers.add(from_environment(app, environment), added);
    std::string config = layers.config();
    if (const char* const path = environment("CONVOY_CONFIG"); config.empty() && path && *path) {
        config = path;
        added.push_back("--config=" + config);
    }
    if (!config.empty()) layers.add(read_settings(config), added);
    arguments.insert(arguments.begin(), added.begin(), added.end());
}

std::string print_settings(const CLI::App& app) {
    std::string text;
    for (const CLI::Option* option : app.get_options()) {
        if (!is_setting(*option) || option->count() == 0) continue;
        const std::string& name = option->get_lnames().front();
        const std::vector<std::string>& results = option->results();
        if (is_flag(*option)) {
            const bool on = parsed_flag(results.back()) == "true";
            text += fmt::format("{} = {}\n", name, on != is_negated(*option));
            continue;
        }
        std::string values;
        for (const std::string& value : results) values += (values.empty() ? "" : ", ") + toml_value(value);
        text += results.size() > 1 ? fmt::format("{} = [{}]\n", name, values) : fmt::format("{} = {}\n", name, values);
    }
    return text;
}

}  // namespace convoy::tools
