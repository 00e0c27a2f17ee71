// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>

#include <convoy/error.h>
#include "tests/support/catch.h"

namespace convoy::test {

/// The sentence of the Error(input) that `action` throws.
inline std::string complaint(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::input);
        return error.what();
    }
    return "nothing was thrown";
}

}  // namespace convoy::test
