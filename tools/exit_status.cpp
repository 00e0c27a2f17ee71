// SPDX-License-Identifier: MIT
#include "tools/exit_status.h"

#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <new>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

#include "tools/edit_distance.h"
#include "tools/message.h"
#include "tools/option_pages.h"

namespace convoy::tools {

namespace {

/// "; did you mean --jsonl?" for an option that there is not, where one is near it.
std::string hint(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options())
        for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& argument : app.remaining()) {
        const std::string word = argument.substr(0, argument.find('='));
        if (!word.starts_with("--")) continue;
        if (const std::string near = nearest(word, names); !near.empty()) return "; did you mean " + near + "?";
    }
    return "";
}

}  // namespace

int exit_status(ErrorKind kind) { return kind == ErrorKind::usage ? kBadUsage : kBadData; }

void print_error(std::string_view command, std::string_view sentence) { message("{}: error: {}", command, sentence); }

namespace {

void require_printed() {
    if (std::fflush(stdout) != 0)
        throw Error(ErrorKind::output, fmt::format("cannot write to standard output: {}", std::strerror(errno)));
    if (std::ferror(stdout) != 0) throw Error(ErrorKind::output, "cannot write to standard output");
}

/// An empty one comes of a script's variable that is not set. A folder for what is remembered may be none.
void require_values(const CLI::App& app) {
    for (const CLI::Option* option : app.get_options())
        for (const std::string& value : option->results())
            if (value.empty() && option->get_name() != "--tuning-cache")
                throw CLI::ValidationError(option->get_name(), "its value is empty");
}

/// For the installation: no options that people give.
int print_page(CLI::App& app, const Prepare& prepare, std::string (*page)(const CLI::App&)) {
    std::vector<std::string> none = {"--help"};
    prepare(app, none);
    std::fputs(page(app).c_str(), stdout);
    require_printed();
    return kSuccess;
}

int parse_and_run(CLI::App& app, int argc, char** argv, const Prepare& prepare) {
    const std::string name = app.get_name();
    try {
        if (argc == 2 && std::strcmp(argv[1], "--print-man") == 0) return print_page(app, prepare, man_page);
        if (argc == 2 && std::strcmp(argv[1], "--print-completion") == 0)
            return print_page(app, prepare, bash_completion);
        std::vector<std::string> arguments(argv + 1, argv + argc);
        const std::function<int()> body = prepare(app, arguments);
        std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
        app.parse(std::move(arguments));
        require_values(app);
        const int status = body();
        require_printed();
        return status;
    } catch (const CLI::Success& help_or_version) {
        std::ostringstream text;
        const int status = app.exit(help_or_version, text);
        std::fputs(text.str().c_str(), stdout);
        require_printed();
        return status;
    } catch (const CLI::ParseError& error) {
        const std::string near = hint(app);
        print_error(name,
                    fmt::format("{}{} {} --help lists the options", error.what(), near.empty() ? ";" : near, name));
        return kBadUsage;
    }
}

}  // namespace

int run_command(const char* name, int argc, char** argv, const Prepare& prepare) {
    reserve_standard_streams();
    std::signal(SIGPIPE, SIG_IGN);  // a pipe that nobody reads is a write that fails
    std::signal(SIGXFSZ, SIG_IGN);  // and so is a file that gets too long
    try {
        CLI::App app("", name);
        return parse_and_run(app, argc, argv, prepare);
    } catch (const Error& error) {
        print_error(name, error.what());
        return exit_status(error.kind());
    } catch (const std::filesystem::filesystem_error& error) {
        const std::string path = error.path1().string();
        print_error(name, fmt::format("{}: {}", path.empty() ? "the working directory" : path, error.code().message()));
        return kBadData;
    } catch (const std::system_error& error) {  // of a thread, as a rule
        print_error(name, error.code() == std::errc::resource_unavailable_try_again
                              ? "the system gives this process no further thread; raise its limits (ulimit -u of "
                                "threads, ulimit -v of memory)"
                              : error.what());
        return kBadData;
    } catch (const std::bad_alloc&) {
        print_error(name, "out of memory; try a smaller --batch or --size");
        return kBadData;
    } catch (const std::exception& error) {
        print_error(name, error.what());
        return kBadData;
    }
}

}  // namespace convoy::tools
