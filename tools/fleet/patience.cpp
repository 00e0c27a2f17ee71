// SPDX-License-Identifier: MIT
#include "tools/fleet/patience.h"

#include <chrono>
#include <thread>

#include <convoy/error.h>

namespace convoy::fleet {

bool may_pass(const std::string& error, const std::string& location) {
    const auto says = [&](const char* words) { return error.find(words) != std::string::npos; };
    if (says("check the address and the network") || (media::is_address(location) && says("cannot be read (")))
        return !says("Server returned 4") || says("Server returned 429");
    return says("or try again") || says("check the disk or the network") || says("Input/output error") ||
           says("Stale file handle");
}

void try_patiently(const std::string& location, const std::stop_token& cancel, const std::function<void()>& attempt) {
    constexpr std::chrono::milliseconds kFirstPause{500}, kLastPause{4000}, kSlice{50};
    for (auto pause = kFirstPause;; pause *= 2) {
        try {
            return attempt();
        } catch (const Error& error) {
            if (!media::is_address(location) || pause > kLastPause || cancel.stop_requested() ||
                !may_pass(error.what(), location))
                throw;
        }
        const auto until = std::chrono::steady_clock::now() + pause;
        while (std::chrono::steady_clock::now() < until && !cancel.stop_requested())
            std::this_thread::sleep_for(kSlice);
    }
}

std::unique_ptr<Input> open_patiently(const std::string& location, const media::InputOptions& options,
                                      std::stop_token cancel) {
    std::unique_ptr<Input> input;
    try_patiently(location, cancel, [&] { input = media::open_input(location, options, cancel); });
    return input;
}

}  // namespace convoy::fleet
