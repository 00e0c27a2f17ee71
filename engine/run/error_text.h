// SPDX-License-Identifier: MIT
#pragma once

#include <exception>
#include <string>

namespace convoy {

/// What an exception says.
inline std::string what(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return e.what();
    } catch (...) {
        return "an unknown exception";
    }
}

}  // namespace convoy
