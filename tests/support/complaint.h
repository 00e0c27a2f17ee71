// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>

#include <convoy/error.h>
#include "tests/support/catch.h"

namespace convoy::test {

/// The sentence of the Error that `action` throws.
inline std::string complaint(const std::function<void()>& action, ErrorKind kind = ErrorKind::input) {
    try {
        action();
    } catch (const Error& error) {
        CHECK(error.kind() == kind);
        return error.what();
    }
    return "nothing was thrown";
}

}  // namespace convoy::test
