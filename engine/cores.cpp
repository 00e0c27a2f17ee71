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
    std::ifstream file(membership);
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with("0::/")) continue;  // of version 2
        int cores = cores_of(std::filesystem::path(groups) / "cpu.max");
        std::filesystem::path group = groups;
        for (const auto& name : std::filesystem::path(line.substr(4)))  // each group limits those within
            cores = std::min(cores, cores_of((group /= name) / "cpu.max"));
        return cores;
    }
    return kNoLimit;
}

}  // namespace convoy
