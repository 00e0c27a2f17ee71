// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include <convoy/media/input.h>

namespace convoy::fleet {

/// Whether what went wrong with an input may go right another time: a network, a server or a disk that is away or
/// overloaded for now. `error` is the sentence.
bool may_pass(const std::string& error, const std::string& location);

/// Calls `attempt`; where it throws since the server of an address is away or overloaded again after 0.5, 1, 2 and 4 s,
/// unless `cancel` is asked to stop. Throws what the last one does.
void try_patiently(const std::string& location, const std::stop_token& cancel, const std::function<void()>& attempt);

/// media::open_input(), tried patiently.
std::unique_ptr<Input> open_patiently(const std::string& location, const media::InputOptions& options,
                                      std::stop_token cancel = {});

}  // namespace convoy::fleet
