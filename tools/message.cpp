// SPDX-License-Identifier: MIT
#include "tools/message.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>

#include "tools/media/byte_stream.h"

namespace convoy::tools {
namespace {

/// How many bytes the character takes that a text begins with; 0 where that is none of UTF-8's, or a control character.
std::size_t printable_character(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    if (byte(0) < 0x80) return byte(0) >= 0x20 && byte(0) != 0x7f;
    const std::size_t size = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
    if (byte(0) < 0xc2 || byte(0) > 0xf4 || size > text.size()) return 0;
    char32_t code = byte(0) & (0x7f >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return 0;
        code = code << 6 | (byte(i) & 0x3f);
    }
    constexpr char32_t kFirst[] = {0, 0, 0xa0, 0x800, 0x10000};  // what is less is written shorter, or obeyed
    const bool surrogate = code >= 0xd800 && code < 0xe000;
    const bool turns = code == 0x61c || code == 0x200e || code == 0x200f || (code >= 0x202a && code <= 0x202e) ||
                       (code >= 0x2066 && code <= 0x2069);  // the direction of what follows
    return code < kFirst[size] || surrogate || turns || code > 0x10ffff ? 0 : size;
}

}  // namespace

std::string printable(std::string_view text, bool lines) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const std::size_t size = lines && (text[0] == '\n' || text[0] == '\t') ? 1 : printable_character(text);
        if (size > 0)
            out += text.substr(0, size);
        else
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
        text.remove_prefix(size > 0 ? size : 1);
    }
    return out;
}

void reserve_standard_streams() {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) open("/dev/null", O_PATH);  // takes the lowest number: this one
}

void print_message(std::string_view text, int fd) {
    using Clock = std::chrono::steady_clock;
    constexpr std::chrono::seconds kPatience(1);
    static std::atomic<bool> lags = false;  // whoever reads: it was waited for before
    const Clock::time_point deadline = Clock::now() + (lags ? Clock::duration() : kPatience);
    media::OutputStream out(fd, [&] { return Clock::now() >= deadline; });
    lags = !out.write(text);
}

void print_result(std::string_view text) {
    const std::string shown = isatty(STDOUT_FILENO) ? printable(text, true) : std::string(text);
    std::fwrite(shown.data(), 1, shown.size(), stdout);  // what fails is found at the end
}

}  // namespace convoy::tools
