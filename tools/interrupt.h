// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

namespace convoy::tools {

/// From now on the first SIGINT or SIGTERM sets the returned flag and the second ends the process at once with status
/// 130; a closed pipe is a failing write instead of a signal. For commands only: signal handlers are process-wide.
const std::atomic<bool>& install_interrupt_handler();

}  // namespace convoy::tools
