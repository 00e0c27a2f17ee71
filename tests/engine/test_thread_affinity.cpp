// SPDX-License-Identifier: MIT
#include "engine/run/thread_affinity.h"

#include <thread>

#include "tests/support/catch.h"

using namespace convoy;

namespace {

std::vector<int> allowed() {
    cpu_set_t set;
    std::vector<int> cpus;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    return cpus;
}

/// Where a thread runs that may run on `before` and is asked to run on `asked`.
std::vector<int> asked_for(const std::vector<int>& before, const std::vector<int>& asked) {
    std::vector<int> after;
    std::thread([&] {
        cpu_set_t set;
        CPU_ZERO(&set);
        for (int cpu : before) CPU_SET(cpu, &set);
        REQUIRE(sched_setaffinity(0, sizeof set, &set) == 0);
        run_on_cpus(asked);
        after = allowed();
    }).join();
    return after;
}

}  // namespace

TEST_CASE("a thread keeps to the CPUs that its user allows", "[affinity]") {
    const std::vector<int> all = allowed();
    if (all.size() < 2) {
        WARN("skipped: needs two CPUs");
        return;
    }
    const int a = all[0], b = all[1];
    CHECK(asked_for({a, b}, {b}) == std::vector{b});
    CHECK(asked_for({a}, {a, b}) == std::vector{a});
    CHECK(asked_for({a}, {b}) == std::vector{a});  // none of them is allowed
    CHECK(asked_for({a, b}, {}) == std::vector{a, b});
    CHECK(asked_for({a, b}, {-1, 100'000}) == std::vector{a, b});
}
