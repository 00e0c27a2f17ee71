// SPDX-License-Identifier: MIT
#pragma once

#include <sched.h>
#include <sys/prctl.h>

#include <vector>

namespace convoy {

/// Lets the calling thread, and those that it starts, run on these CPUs only, as far as it was allowed to run there.
/// Nothing happens when the list is empty, when none of them is allowed, or when the system refuses: where a thread
/// runs is a matter of speed, and of what the user has said (taskset, cgroups).
inline void run_on_cpus(const std::vector<int>& cpus) {
    cpu_set_t allowed, chosen;
    if (cpus.empty() || sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    CPU_ZERO(&chosen);
    for (int cpu : cpus)
        if (cpu >= 0 && cpu < CPU_SETSIZE && CPU_ISSET(cpu, &allowed)) CPU_SET(cpu, &chosen);
    if (CPU_COUNT(&chosen) > 0) static_cast<void>(sched_setaffinity(0, sizeof chosen, &chosen));
}

/// For the threads that wait for a device (Patience): where they run, and sleeps that end within a microsecond of their
/// time instead of Linux's usual fifty.
inline void become_device_thread(const std::vector<int>& cpus) {
    run_on_cpus(cpus);
    static_cast<void>(prctl(PR_SET_TIMERSLACK, 1000UL));  // ns
}

}  // namespace convoy
