// SPDX-License-Identifier: MIT
#pragma once

namespace convoy::tools {

/// Ends the process at once, when all is written, and leaves to a child what the system takes long for: to close the
/// files whose names begin with `slow`. A GPU's take from 0.15 s to 0.6 s, the longer the more decoders there were.
/// Everything else that is open is closed before the end. An _Exit() where there are no such files, a GPU is in
/// exclusive mode, or the kernel cannot do it; and where the system's first process, whose name is in the file `first`,
/// is not known to bury orphans: in a container it may be any program, and the dead would add up.
[[noreturn]] void exit_early(int status, const char* slow = "/dev/nvidia", const char* first = "/proc/1/comm");

}  // namespace convoy::tools
