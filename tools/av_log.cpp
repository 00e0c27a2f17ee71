// SPDX-License-Identifier: MIT
#include "tools/av_log.h"

#include <mutex>

extern "C" {
#include <libavutil/log.h>
}

#include <convoy/media/input.h>
#include "tools/message.h"

namespace convoy::tools {

void print_av_log(void* context, int level, const char* format, va_list arguments) {
    static std::mutex mutex;
    static int at_line_start = 1;
    if (level >= 0) level &= 0xff;  // above it is a colour
    if (level > av_log_get_level()) return;
    const std::lock_guard lock(mutex);
    char line[1024] = {};
    av_log_format_line(context, level, format, arguments, line, sizeof line, &at_line_start);
    print_message(printable(media::without_passwords(line), true));
}

}  // namespace convoy::tools
