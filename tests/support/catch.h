// SPDX-License-Identifier: MIT
//
// Catch2 2 (Debian 12) and 3 (Debian 13, Ubuntu 24.04) behind one include.
#pragma once

#ifdef CONVOY_CATCH2_V3
#include <catch2/catch_all.hpp>
using Catch::Approx;  // Catch2 2 has it there already
#else
#include <catch2/catch.hpp>
#endif

/// Ends the test case, which must not have checked anything yet, with one line "skipped: NAME: why". Catch2 2 has
/// nothing like it and counts the case as passed; ctest and gpu-check do not.
#define SKIP_TEST_CASE(why)                                                                 \
    do {                                                                                    \
        WARN("skipped: " << Catch::getResultCapture().getCurrentTestName() << ": " << why); \
        return;                                                                             \
    } while (false)
