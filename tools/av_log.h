// SPDX-License-Identifier: MIT
#pragma once

#include <cstdarg>

namespace convoy::tools {

/// For av_log_set_callback(): what libav says, from any thread, goes to standard error as it would print it itself; but
/// a reader is waited for no longer than interrupt_is_overdue() allows.
void print_av_log(void* context, int level, const char* format, va_list arguments);

}  // namespace convoy::tools
