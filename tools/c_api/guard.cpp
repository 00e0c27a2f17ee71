// SPDX-License-Identifier: MIT
#include "tools/c_api/guard.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include <convoy/version.h>

namespace convoy::c_api {
namespace {

constexpr std::size_t kLongest = 2047;
thread_local char message[kLongest + 1] = "";

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

}  // namespace

int fail(int status, const char* sentence) noexcept {
    const std::size_t whole = std::strlen(sentence);
    std::size_t length = std::min(whole, kLongest);
    while (length < whole && length > 0 && is_continuation(sentence[length])) --length;  // no half character
    std::memmove(message, sentence, length);
    message[length] = 0;
    return status;
}

int status_of(ErrorKind kind) noexcept {
    switch (kind) {
        case ErrorKind::usage:
            return CONVOY_ERROR_USAGE;
        case ErrorKind::model:
            return CONVOY_ERROR_MODEL;
        case ErrorKind::input:
            return CONVOY_ERROR_INPUT;
        case ErrorKind::output:
            return CONVOY_ERROR_OUTPUT;
        case ErrorKind::unsupported:
            return CONVOY_ERROR_UNSUPPORTED;
        case ErrorKind::device:
            return CONVOY_ERROR_DEVICE;
    }
    return CONVOY_ERROR_INTERNAL;
}

}  // namespace convoy::c_api

const char* convoy_version(void) { return CONVOY_VERSION; }

const char* convoy_last_error(void) { return convoy::c_api::message; }
