// SPDX-License-Identifier: MIT
#include "engine/cpu/worker_team.h"

#include <atomic>
#include <stdexcept>

#include "tests/support/catch.h"

using convoy::WorkerTeam;

TEST_CASE("every worker does the job once a round, at the same time as the others", "[team]") {
    for (int size : {1, 2, 5}) {
        WorkerTeam team(size);
        REQUIRE(team.size() == size);
        for (int round = 0; round < 100; ++round) {
            std::vector<std::atomic<int>> calls(size);
            std::atomic<int> present{0};
            team.run([&](int worker) {
                ++calls[worker];
                ++present;
                while (present < size) std::this_thread::yield();  // hangs unless all run at once
            });
            for (const auto& c : calls) REQUIRE(c == 1);
        }
    }
}

TEST_CASE("what a worker throws comes out of run, and the team goes on", "[team]") {
    WorkerTeam team(3);
    for (int thrower = 0; thrower < 3; ++thrower)
        CHECK_THROWS_AS(team.run([&](int worker) {
            if (worker == thrower) throw std::runtime_error("no");
        }),
                        std::runtime_error);
    std::atomic<int> calls{0};
    team.run([&](int) { ++calls; });
    CHECK(calls == 3);
}
