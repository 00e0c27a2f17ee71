// SPDX-License-Identifier: MIT
#include "tools/option_pages.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cctype>
#include <sstream>
#include <vector>

#include <convoy/version.h>

namespace convoy::tools {
namespace {

/// Text in roff: no line is a request, and nothing is beyond ASCII.
std::string roff(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool line_begins = i == 0 || text[i - 1] == '\n';
        if (line_begins && (c == '.' || c == '\'')) out += "\\&";
        if (c == '\\')
            out += "\\e";
        else if (c == '-')
            out += "\\-";
        else if (text.compare(i, 3, "…") == 0)
            out += "...", i += 2;
        else
            out += c;
    }
    return out;
}

bool is_shown(const CLI::Option* option) { return option->nonpositional() && !option->get_group().empty(); }

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return char(std::toupper(c)); });
    return text;
}

std::string section(const std::string& name) { return ".SH " + upper(name) + "\n"; }

std::string entry(const CLI::Option& option) {
    std::string names;
    const auto add = [&](const std::string& name) {
        names += (names.empty() ? "\\fB" : ", \\fB") + roff(name) + "\\fR";
    };
    for (const std::string& name : option.get_snames()) add("-" + name);
    for (const std::string& name : option.get_lnames()) add("--" + name);
    const std::string value = option.get_expected_min() > 0 ? option.get_type_name() : "";
    if (!value.empty()) names += " \\fI" + roff(value) + "\\fR";
    return ".TP\n" + names + "\n" + roff(option.get_description()) + "\n";
}

/// A line for each of the values that a type name such as "auto|x264|nvenc" lists.
std::vector<std::string> choices(const std::string& type_name) {
    std::vector<std::string> found;
    std::istringstream parts(type_name);
    for (std::string part; std::getline(parts, part, '|');)
        if (std::all_of(part.begin(), part.end(), [](unsigned char c) { return std::islower(c) || std::isdigit(c); }))
            found.push_back(part);
    return found;
}

bool takes_folder_alone(const std::string& type_name) { return type_name == "DIR"; }

bool takes_path(const std::string& type_name) {
    return type_name.find("FILE") != std::string::npos || type_name == "STEM" || takes_folder_alone(type_name);
}

}  // namespace

std::string man_page(const CLI::App& app) {
    const std::string name = app.get_name();
    std::string text =
        fmt::format(".TH {} 1 \"\" \"Convoy {}\" \"User Commands\"\n", upper(roff(name)), CONVOY_VERSION);
    std::string description = app.get_description();
    std::string summary = description.substr(0, description.find('\n'));
    if (summary.ends_with('.')) summary.pop_back();
    text += section("Name") + roff(name) + " \\- " + roff(summary) + "\n";
    text += section("Synopsis") + "\\fB" + roff(name) + "\\fR [\\fIOPTIONS\\fR]";
    std::string inputs;
    for (const CLI::Option* option : app.get_options())
        if (option->get_positional() && !option->get_group().empty()) {
            text += " \\fI" + roff(option->get_name(true)) + "\\fR" + (option->get_expected_max() > 1 ? " ..." : "");
            inputs += ".TP\n\\fI" + roff(option->get_name(true)) + "\\fR\n" + roff(option->get_description()) + "\n";
        }
    text += "\n" + section("Description") + roff(description) + "\n" + inputs;
    text += section("Options");
    for (const std::string& group : app.get_groups()) {
        std::string entries;
        for (const CLI::Option* option : app.get_options())
            if (is_shown(option) && option->get_group() == group) entries += entry(*option);
        if (!entries.empty()) text += ".SS " + roff(group) + "\n" + entries;
    }
    if (!app.get_footer().empty()) text += section("Examples") + ".nf\n" + roff(app.get_footer()) + ".fi\n";
    return text + section("Exit status") +
           "0 done, 1 something could not be read, written or done, 2 wrong usage, 3 done although a device failed, "
           "130 interrupted.\n";
}

std::string bash_completion(const CLI::App& app) {
    const std::string name = app.get_name();
    std::string options, files, folders, values;
    const auto append = [](std::string& list, const std::string& word, char with) {
        list += (list.empty() ? "" : std::string(1, with)) + word;
    };
    std::string others;  // take something that cannot be listed
    for (const CLI::Option* option : app.get_options()) {
        if (!is_shown(option)) continue;
        for (const std::string& long_name : option->get_lnames()) {
            const std::string word = "--" + long_name, type = option->get_type_name();
            append(options, word, ' ');
            if (option->get_expected_min() == 0) continue;
            if (const auto listed = choices(type); !listed.empty())
                values += fmt::format("    {}) words='{}' ;;\n", word, fmt::join(listed, " "));
            else if (takes_path(type))
                append(takes_folder_alone(type) ? folders : files, word, '|');
            else
                append(others, word, '|');
        }
    }
    std::string function = "_" + name;
    std::replace(function.begin(), function.end(), '-', '_');
    const auto branch = [](const std::string& names, const std::string& action) {
        return names.empty() ? "" : fmt::format("    {}) {} ;;\n", names, action);
    };
    return fmt::format(
        "# bash completion of {0}\n{1}() {{\n"
        "  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} words=\n"
        // Bash makes words of --encoder=n: the option, "=", and the value.
        "  if [[ $word == = ]]; then word=; elif [[ $before == = ]]; then before=${{COMP_WORDS[COMP_CWORD-2]}}; fi\n"
        "  compopt -o filenames 2>/dev/null\n"
        "  case $before in\n{2}{3}{4}{5}"
        "    *) if [[ $word == -* ]]; then words='{6}'; else mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); "
        "return; fi ;;\n"
        "  esac\n  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n}}\ncomplete -F {1} {0}\n",
        name, function, values, branch(files, "mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); return"),
        branch(folders, "mapfile -t COMPREPLY < <(compgen -d -- \"$word\"); return"), branch(others, "return"),
        options);
}

}  // namespace convoy::tools
