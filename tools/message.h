// SPDX-License-Identifier: MIT
//
// What a command says. Names of files and classes are other people's, and may hold what a terminal obeys.
#pragma once

#include <fmt/core.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <utility>

namespace convoy::tools {

/// Opens what whoever started the command has closed of the three standard streams, so that no output file gets such a
/// number and with it the messages. It can be neither read nor written.
void reserve_standard_streams();

/// `text` with each byte that is neither UTF-8 nor part of a printable character as \x1b. `lines`: ends of lines and
/// tabs stay.
std::string printable(std::string_view text, bool lines = false);

/// Writes `text` to standard error, or what takes its place. What that does not take, a full pipe for longer than a
/// second, is dropped: a run goes on whether anybody reads or not. From any thread.
void print_message(std::string_view text, int fd = STDERR_FILENO);

/// The same of a line in fmt's format, printable.
template <typename... Arguments>
void message(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    print_message(printable(fmt::format(format, std::forward<Arguments>(arguments)...)) + "\n");
}

/// Prints a result on standard output: as it is for a program, printable for a terminal.
void print_result(std::string_view text);

}  // namespace convoy::tools
