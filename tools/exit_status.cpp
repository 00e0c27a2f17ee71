// SPDX-License-Identifier: MIT
#include "tools/exit_status.h"

#include <fmt/core.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>

namespace convoy::tools {

int exit_status(ErrorKind kind) { return kind == ErrorKind::usage ? kBadUsage : kBadData; }

void print_error(std::string_view command, std::string_view sentence) {
    fmt::print(stderr, "{}: error: {}\n", command, sentence);
}

int run_command(CLI::App& app, int argc, char** argv, const std::function<int()>& body) {
    const std::string name = app.get_name();
    try {
        app.parse(argc, argv);
        const int status = body();
        if (std::fflush(stdout) != 0)
            throw Error(ErrorKind::output, fmt::format("cannot write to standard output: {}", std::strerror(errno)));
        return status;
    } catch (const CLI::Success& help_or_version) {
        return app.exit(help_or_version);
    } catch (const CLI::ParseError& error) {
        print_error(name, fmt::format("{}; {} --help lists the options", error.what(), name));
        return kBadUsage;
    } catch (const Error& error) {
        print_error(name, error.what());
        return exit_status(error.kind());
    } catch (const std::bad_alloc&) {
        print_error(name, "out of memory; try a smaller --batch or --size");
        return kBadData;
    } catch (const std::exception& error) {
        print_error(name, error.what());
        return kBadData;
    }
}

}  // namespace convoy::tools
