// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "tests/support/catch.h"

namespace convoy::test {

/// For checks, which then show the text: `CHECK(contains(error, "layer 3"))`. From the test's own thread.
inline bool contains(const std::string& text, const std::string& part) {
    UNSCOPED_INFO(text);
    return text.find(part) != std::string::npos;
}

}  // namespace convoy::test
