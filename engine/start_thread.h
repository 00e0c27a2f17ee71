// SPDX-License-Identifier: MIT
#pragma once

#include <system_error>
#include <utility>
#include <vector>

#include <convoy/error.h>

namespace convoy {

/// One more of these std::threads, or std::jthreads, which runs f(). Throws Error(device) where the system gives none.
template <typename Thread, typename F>
void start_thread(std::vector<Thread>& threads, F&& f) {
    try {
        threads.emplace_back(std::forward<F>(f));  // makes room first: no thread is lost without memory for it
    } catch (const std::system_error& error) {
        throw Error(ErrorKind::device, "the system gives this process no further thread (" + error.code().message() +
                                           "); raise its limits (ulimit -u of threads, ulimit -v of memory)" +
                                           " or ask for fewer threads");
    }
}

}  // namespace convoy
