// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>

namespace convoy {

/// CPU cores that this process may keep busy, at least one: those that it may run on (taskset, cpusets), and no more
/// than its control group's share of time comes to, as in a container.
int usable_cores();

/// That share, in cores and rounded up, of the process whose /proc/self/cgroup is `membership`, where version 2 of the
/// groups is mounted at `groups`; the largest number where nothing limits it.
int cores_of_control_group(const std::string& membership, const std::string& groups);

/// Bytes of memory that this process may use: the machine's, and no more than its control groups allow.
std::size_t usable_memory();

/// That limit, in the same way as cores_of_control_group().
std::size_t memory_of_control_group(const std::string& membership, const std::string& groups);

}  // namespace convoy
