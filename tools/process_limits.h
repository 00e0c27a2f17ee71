// SPDX-License-Identifier: MIT
//
// What a process may hold. For commands only: it is process-wide.
#pragma once

namespace convoy::tools {

/// Threads share no more of glibc's heaps than there are cores, where the environment says nothing else
/// (MALLOC_ARENA_MAX, GLIBC_TUNABLES). Before the first thread begins.
void share_heaps();

/// As many files and connections may be open as the system allows, where usually a quarter of that or less is given.
void raise_file_limit();

}  // namespace convoy::tools
