// SPDX-License-Identifier: MIT
#include "tools/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include "tools/exit_status.h"

namespace convoy::tools {
namespace {

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);  // else a handler must not touch it

void on_signal(int) {
    if (interrupted.exchange(true)) _exit(kInterrupted);
}

}  // namespace

const std::atomic<bool>& install_interrupt_handler() {
    struct sigaction action = {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    signal(SIGPIPE, SIG_IGN);
    return interrupted;
}

}  // namespace convoy::tools
