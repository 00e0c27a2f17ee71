// SPDX-License-Identifier: MIT
//
// How every command ends: its exit status and its last words.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <convoy/error.h>
#include "tools/cli.h"

namespace convoy::tools {

enum ExitStatus {
    kSuccess = 0,
    kBadData = 1,        ///< something could not be read, written or done
    kBadUsage = 2,       ///< the command line cannot be used
    kDeviceFailed = 3,   ///< done, and the results are whole, but a device failed on the way
    kUnfit = 4,          ///< no device is left: another machine may do it
    kTryAgain = 75,      ///< units are left that may be done another time: SIGTERM, the network, storage
    kInterrupted = 130,  ///< SIGINT, SIGTERM or SIGHUP; files are complete up to the last frame
};

int exit_status(ErrorKind kind);

/// Prints "NAME: error: SENTENCE" to stderr.
void print_error(std::string_view command, std::string_view sentence);

/// Adds a command's options, may change the arguments before they are parsed, and says what to run then.
using Prepare = std::function<std::function<int()>(CLI::App& app, std::vector<std::string>& arguments)>;

/// The whole of a main(): `prepare` adds the options and says what to run once they are parsed. Every exception becomes
/// one line on stderr and an exit status. A standard output that did not take everything that was printed is an error,
/// too.
int run_command(const char* name, int argc, char** argv, const Prepare& prepare);

}  // namespace convoy::tools
