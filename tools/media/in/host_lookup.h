// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

namespace convoy::media {

/// The name of the host that libav will look up for an address: the proxy's (`http_proxy`) for what goes over HTTP or
/// TLS, unless `no_proxy` names the host. Empty where there is none or it is a number.
std::string host_to_look_up(const std::string& url);

/// Asks the name service, and says what is the matter in a few words: that it does not know the name, or that it has
/// not answered by then or before `cancel` was asked to stop; empty when it has an address. A lookup cannot be called
/// off: it goes on behind the scenes until the system gives it up, on a thread that owns all it needs.
std::string why_not_found(const std::string& host, std::chrono::steady_clock::time_point until,
                          const std::stop_token& cancel);

}  // namespace convoy::media
