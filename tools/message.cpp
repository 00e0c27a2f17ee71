// SPDX-License-Identifier: MIT
#include "tools/message.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace convoy::tools {

void reserve_standard_streams() {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) open("/dev/null", O_PATH);  // takes the lowest number: this one
}

void print_message(std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
        if (written < 0 && errno != EINTR) return;
        if (written > 0) text.remove_prefix(std::size_t(written));
    }
}

}  // namespace convoy::tools
