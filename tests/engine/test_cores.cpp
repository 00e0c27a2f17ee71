// SPDX-License-Identifier: MIT
#include "engine/cores.h"

#include <sched.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <thread>

#include "tests/support/catch.h"

using namespace convoy;
namespace fs = std::filesystem;

namespace {

class Groups {
public:
    Groups() {
        std::string name = (fs::temp_directory_path() / "convoy-cores-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()));
        root = name;
    }
    ~Groups() { fs::remove_all(root); }
    Groups(const Groups&) = delete;
    Groups& operator=(const Groups&) = delete;

    void write(const fs::path& name, const std::string& text) const {
        fs::create_directories((root / name).parent_path());
        std::ofstream(root / name) << text;
    }
    int cores() const { return cores_of_control_group((root / "membership").string(), root.string()); }
    std::size_t memory() const { return memory_of_control_group((root / "membership").string(), root.string()); }

    fs::path root;
};

}  // namespace

TEST_CASE("a container's share of time bounds the cores", "[cores]") {
    constexpr int kNoLimit = std::numeric_limits<int>::max();
    const Groups groups;
    CHECK(groups.cores() == kNoLimit);
    groups.write("membership", "4:memory:/x\n0::/a/b\n");
    CHECK(groups.cores() == kNoLimit);
    groups.write("a/b/cpu.max", "max 100000\n");
    CHECK(groups.cores() == kNoLimit);
    groups.write("a/b/cpu.max", "350000 100000\n");
    CHECK(groups.cores() == 4);
    groups.write("a/cpu.max", "200000 100000\n");
    CHECK(groups.cores() == 2);
    groups.write("cpu.max", "10000 100000\n");
    CHECK(groups.cores() == 1);
    groups.write("membership", "0::/\n");
    groups.write("cpu.max", "600000 100000\n");
    CHECK(groups.cores() == 6);
    groups.write("cpu.max", "what is this");
    CHECK(groups.cores() == kNoLimit);
    groups.write("membership", "1:cpu:/a/b\n");  // version 1
    CHECK(groups.cores() == kNoLimit);
}

TEST_CASE("a process that may run on one CPU has one core", "[cores]") {
    CHECK(usable_cores() >= 1);
    int cores = 0;
    std::thread([&] {
        cpu_set_t set;
        REQUIRE(sched_getaffinity(0, sizeof set, &set) == 0);
        int first = 0;
        while (!CPU_ISSET(first, &set)) ++first;
        CPU_ZERO(&set);
        CPU_SET(first, &set);
        REQUIRE(sched_setaffinity(0, sizeof set, &set) == 0);
        cores = usable_cores();
    }).join();
    CHECK(cores == 1);
}

TEST_CASE("a container's limit bounds the memory", "[cores]") {
    constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();
    const Groups groups;
    CHECK(groups.memory() == kNoLimit);
    groups.write("membership", "0::/a/b\n");
    groups.write("a/b/memory.max", "max\n");
    CHECK(groups.memory() == kNoLimit);
    groups.write("a/b/memory.max", "4000000000\n");
    groups.write("a/memory.max", "3000000000\n");
    CHECK(groups.memory() == 3000000000);
    CHECK(usable_memory() > std::size_t(1) << 26);
    CHECK(usable_memory() < kNoLimit);
}
