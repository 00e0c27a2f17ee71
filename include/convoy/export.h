// SPDX-License-Identifier: MIT
//
// What the shared libraries export; of C and C++.
#pragma once

#define CONVOY_API \
    __attribute__((visibility("default")))  ///< stands at all that a program may link; the rest is hidden
