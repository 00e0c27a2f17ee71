// SPDX-License-Identifier: MIT
//
// What a command says on standard error.
#pragma once

#include <fmt/core.h>

#include <string_view>
#include <utility>

namespace convoy::tools {

/// Opens what whoever started the command has closed of the three standard streams, so that no output file gets such a
/// number and with it the messages. It can be neither read nor written.
void reserve_standard_streams();

/// Writes `text` to standard error. What that does not take is dropped: a run goes on whether anybody reads or not.
void print_message(std::string_view text);

/// The same of a line in fmt's format.
template <typename... Arguments>
void message(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    print_message(fmt::format(format, std::forward<Arguments>(arguments)...) + "\n");
}

}  // namespace convoy::tools
