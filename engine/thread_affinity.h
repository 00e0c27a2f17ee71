// SPDX-License-Identifier: MIT
#pragma once

#include <sched.h>

#include <vector>

namespace convoy {

/// Lets the calling thread, and those that it starts, run on these CPUs only. Nothing happens when the list is empty or
/// the system refuses: where a thread runs is a matter of speed alone.
inline void run_on_cpus(const std::vector<int>& cpus) {
    if (cpus.empty()) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int cpu : cpus)
        if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_SET(cpu, &set);
    static_cast<void>(sched_setaffinity(0, sizeof set, &set));
}

}  // namespace convoy
