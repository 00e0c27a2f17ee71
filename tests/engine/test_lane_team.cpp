// SPDX-License-Identifier: MIT
#include "engine/cpu/lane_team.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <latch>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.h"

using convoy::LaneTeam;

namespace {

void nap() { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }

}  // namespace

TEST_CASE("lanes work on each picture once, side by side", "[team]") {
    for (int size : {2, 5}) {
        LaneTeam team(size);
        REQUIRE(team.size() == size);
        LaneTeam::Batch batch;
        for (int round = 0; round < 100; ++round) {
            const auto count = std::size_t(size);
            std::vector<std::atomic<int>> pictures(count), lanes(count);
            std::atomic<int> present{0};
            team.begin(batch, size, [&](int picture, int lane) {
                ++pictures[std::size_t(picture)];
                ++lanes[std::size_t(lane)];
                ++present;
                while (present < size) std::this_thread::yield();  // hangs unless all run at once
            });
            CHECK(team.wait(batch) >= 0);
            for (const auto& times : pictures) REQUIRE(times == 1);
            for (const auto& times : lanes) REQUIRE(times == 1);
            CHECK(team.idle());
        }
    }
}

TEST_CASE("a lane goes on with the next batch while another is at work on the last", "[team]") {
    LaneTeam team(2);
    LaneTeam::Batch first, second;
    std::latch next_done(3);
    std::atomic<int> lane_of_next{-1};
    team.begin(first, 2, [&](int picture, int) {
        if (picture == 0) next_done.wait();  // hangs unless the other lane does the whole second batch
    });
    team.begin(second, 3, [&](int, int lane) {
        lane_of_next = lane;
        next_done.count_down();
    });
    CHECK(team.wait(second) >= 0);
    CHECK(team.wait(first) >= 0);
    CHECK(lane_of_next >= 0);
}

TEST_CASE("a batch is not begun while another waits for a lane", "[team]") {
    LaneTeam team(2);
    LaneTeam::Batch busy, waiting, late;
    std::promise<void> go;
    const std::shared_future<void> gone = go.get_future().share();
    team.begin(busy, 2, [&](int, int) { gone.wait(); });
    team.begin(waiting, 2, [](int, int) {});
    std::future<void> begun = std::async(std::launch::async, [&] { team.begin(late, 1, [](int, int) {}); });
    CHECK(begun.wait_for(std::chrono::milliseconds(50)) == std::future_status::timeout);
    CHECK_FALSE(team.idle());
    go.set_value();
    begun.get();
    for (LaneTeam::Batch* batch : {&busy, &waiting, &late}) team.wait(*batch);
    CHECK(team.idle());
}

TEST_CASE("the times of batches that overlap add up to that in which the team was at work", "[team]") {
    using Clock = LaneTeam::Clock;
    LaneTeam team(4);
    LaneTeam::Batch five, three;
    std::mutex mutex;
    std::vector<std::pair<Clock::time_point, Clock::time_point>> spans;
    const LaneTeam::Work work = [&](int picture, int) {
        const Clock::time_point begin = Clock::now();
        for (int i = 0; i <= picture / 4; ++i) nap();  // the fifth outlasts the second batch
        const std::lock_guard lock(mutex);
        spans.emplace_back(begin, Clock::now());
    };
    const Clock::time_point start = Clock::now();
    double sum = 0;
    for (int round = 0; round < 5; ++round) {
        team.begin(five, 5, work);
        team.begin(three, 3, work);
        sum += team.wait(five) + team.wait(three);
        nap();  // idle
    }
    const auto ms = [](Clock::duration d) { return std::chrono::duration<double, std::milli>(d).count(); };
    const double all = ms(Clock::now() - start);
    std::sort(spans.begin(), spans.end());
    Clock::time_point counted = start;
    double at_work = 0;
    for (const auto& [begin, end] : spans) {
        if (end > counted) at_work += ms(end - std::max(begin, counted));
        counted = std::max(counted, end);
    }
    CHECK(sum >= at_work - 1e-6);
    CHECK(sum <= all - 5 * 5);
}

TEST_CASE("what a lane throws comes out of wait, and the team goes on", "[team]") {
    LaneTeam team(3);
    for (int thrower = 0; thrower < 3; ++thrower) {
        LaneTeam::Batch batch, next;
        std::atomic<int> calls{0};
        team.begin(batch, 300, [&](int picture, int) {
            ++calls;
            if (picture == thrower) throw std::runtime_error(std::to_string(picture));
            nap();
        });
        team.begin(next, 3, [](int, int) {});
        CHECK_THROWS_WITH(team.wait(batch), std::to_string(thrower));
        CHECK(calls < 300);  // the rest is left out
        CHECK(team.wait(next) >= 0);
        team.begin(batch, 3, [&](int, int) { ++calls; });
        CHECK(team.wait(batch) >= 0);
        CHECK_THROWS_AS(team.run_here(batch, 1, [](int, int) { throw std::runtime_error("no"); }), std::runtime_error);
        team.finish(batch);
    }
}

TEST_CASE("a caller is lane 0 when all lanes are idle", "[team]") {
    for (int size : {1, 2}) {
        LaneTeam team(size);
        LaneTeam::Batch batch, own;
        if (size > 1) team.begin(batch, 4, [](int, int) { nap(); });
        team.wait_until_idle();
        REQUIRE(team.idle());
        int calls = 0;
        const std::thread::id caller = std::this_thread::get_id();
        team.run_here(own, 3, [&](int picture, int lane) {
            CHECK(picture == calls++);
            CHECK(lane == 0);
            CHECK(std::this_thread::get_id() == caller);
            nap();
        });
        CHECK(calls == 3);
        CHECK(team.wait(own) >= 15);
        team.finish(batch);
    }
}
