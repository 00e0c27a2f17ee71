// SPDX-License-Identifier: MIT
#include "engine/cores.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <thread>

namespace convoy {
namespace {

constexpr int kNoLimit = std::numeric_limits<int>::max();

/// "200000 100000": microseconds in each so many; "max 100000": all of them.
int cores_of(const std::filesystem::path& cpu_max) {
    std::ifstream file(cpu_max);
    double quota = 0, period = 0;
    return file >> quota >> period && quota > 0 && period > 0 ? std::max(1, int(std::ceil(quota / period))) : kNoLimit;
}

/// "8589934592", or "max": all.
std::size_t bytes_of(const std::filesystem::path& memory_max) {
    std::ifstream file(memory_max);
    std::size_t bytes = 0;
    return file >> bytes ? bytes : std::numeric_limits<std::size_t>::max();
}

/// The least of what `read` finds in the files of this name of the process's group and those around it, each of which
/// limits those within.
template <typename Read>
auto least_of_groups(const std::string& membership, const std::string& groups, const char* name, Read read) {
    auto least = read(std::filesystem::path());  // no limit
    std::ifstream file(membership);
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with("0::/")) continue;  // of version 2
        std::filesystem::path group = groups;
        least = std::min(least, read(group / name));
        for (const auto& part : std::filesystem::path(line.substr(4)))
            least = std::min(least, read((group /= part) / name));
        break;
    }
    return least;
}

int allowed_cores() {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
    return int(std::thread::hardware_concurrency());  // more of them than a set holds
}

}  // namespace

int usable_cores() {
    return std::max(1, std::min(allowed_cores(), cores_of_control_group("/proc/self/cgroup", "/sys/fs/cgroup")));
}

int cores_of_control_group(const std::string& membership, const std::string& groups) {
    return least_of_groups(membership, groups, "cpu.max", cores_of);
}

std::size_t usable_memory() {
    std::ifstream file("/proc/meminfo");
    std::string name;
    std::size_t kib = 0;
    const bool known = file >> name >> kib && name == "MemTotal:" && kib > 0;
    return std::min(known ? kib << 10 : bytes_of({}), memory_of_control_group("/proc/self/cgroup", "/sys/fs/cgroup"));
}

std::size_t memory_of_control_group(const std::string& membership, const std::string& groups) {
    return least_of_groups(membership, groups, "memory.max", bytes_of);
}

}  // namespace convoy
