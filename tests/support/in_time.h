// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <string>
#include <utility>

namespace convoy::test {

/// What `f` returns or throws. A hang ends the program with a sentence: whatever waits for ever cannot be waited for.
template <typename F>
auto in_time(const std::string& what, F f, std::chrono::seconds limit = std::chrono::seconds(60)) {
    std::future<decltype(f())> result = std::async(std::launch::async, std::move(f));
    if (result.wait_for(limit) != std::future_status::ready) {
        std::fprintf(stderr, "FAILED: this hangs: %s\n", what.c_str());
        std::_Exit(1);
    }
    return result.get();
}

}  // namespace convoy::test
