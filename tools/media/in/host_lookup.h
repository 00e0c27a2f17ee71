// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

namespace convoy::media {

/// The name of the host that libav will look up for an address: the proxy's (`http_proxy`) for what goes over HTTP or
/// TLS, unless `no_proxy` names the host. Empty where there is none or it is a number.
std::string host_to_look_up(const std::string& url);

/// Waits until the name service has answered, whatever it says of that name; false when it has not by then, or when
/// `cancel` is asked to stop. A lookup cannot be called off: it goes on behind the scenes until the system gives it up,
/// on a thread that owns all it needs.
bool wait_for_name_service(const std::string& host, std::chrono::steady_clock::time_point until,
                           const std::stop_token& cancel);

}  // namespace convoy::media
