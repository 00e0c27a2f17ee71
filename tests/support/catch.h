// SPDX-License-Identifier: MIT
//
// Catch2 2 (Debian 12) and 3 (Debian 13, Ubuntu 24.04) behind one include.
#pragma once

#ifdef CONVOY_CATCH2_V3
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
