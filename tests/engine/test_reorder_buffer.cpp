// SPDX-License-Identifier: MIT
#include "engine/run/reorder_buffer.h"

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "tests/support/catch.h"

using namespace convoy;
using Buffer = ReorderBuffer<int>;

namespace {

const Buffer::Clock::time_point kNow{};
constexpr std::int64_t kEnd = -1;

/// What can be read now: unit * 100 + item, unit * 100 - 1 for its end.
std::vector<std::int64_t> drain(Buffer& buffer) {
    std::vector<std::int64_t> out;
    while (const auto item = buffer.next(kNow)) out.push_back(item->unit * 100 + (item->value ? *item->value : kEnd));
    return out;
}

}  // namespace

TEST_CASE("items of the first unit go through, others wait for their turn", "[reorder]") {
    Buffer buffer(1000);
    for (int unit : {1, 2, 3}) buffer.open(unit, 0);
    buffer.push(2, 0, 1);
    buffer.push(3, 0, 1);
    CHECK(drain(buffer).empty());
    buffer.push(1, 0, 1);
    CHECK(drain(buffer) == std::vector<std::int64_t>{100});
    buffer.close(2);
    buffer.push(1, 1, 1);
    buffer.close(1);
    CHECK(drain(buffer) == std::vector<std::int64_t>{101, 99, 200, 199, 300});
    buffer.close(3);
    CHECK(drain(buffer) == std::vector<std::int64_t>{299});
    CHECK(buffer.held_bytes() == 0);
}

TEST_CASE("lanes do not wait for each other and take turns", "[reorder]") {
    Buffer buffer(1000);
    buffer.open(1, 0);
    buffer.open(2, 1);
    for (int i = 0; i < 2; ++i) buffer.push(2, i, 1);
    CHECK(drain(buffer) == std::vector<std::int64_t>{200, 201});
    for (int i = 2; i < 4; ++i) buffer.push(2, i, 1), buffer.push(1, i, 1);
    CHECK(drain(buffer) == std::vector<std::int64_t>{102, 202, 103, 203});
}

TEST_CASE("over its bound only the first unit goes on, and only when nothing of it is left", "[reorder]") {
    Buffer buffer(10);
    buffer.open(1, 0);
    buffer.open(2, 0);
    CHECK(buffer.has_room(2));
    buffer.push(2, 0, 11);
    CHECK_FALSE(buffer.has_room(2));
    CHECK(buffer.has_room(1));
    buffer.push(1, 0, 1);
    CHECK_FALSE(buffer.has_room(1));
    CHECK(drain(buffer) == std::vector<std::int64_t>{100});
    CHECK(buffer.has_room(1));
    buffer.close(1);
    CHECK(drain(buffer).size() == 2);
    CHECK(buffer.has_room(2));
}

TEST_CASE("who waits for room goes on when there is some, or on cancel", "[reorder]") {
    for (bool cancel : {false, true}) {
        Buffer buffer(10);
        buffer.open(1, 0);
        buffer.open(2, 0);
        buffer.push(2, 0, 11);
        std::atomic<bool> went_on{false};
        std::thread waiter([&] {
            buffer.wait_for_room(2);
            went_on = true;
        });
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        CHECK_FALSE(went_on);
        if (cancel) {
            buffer.cancel();
        } else {
            buffer.close(1);
            CHECK(drain(buffer) == std::vector<std::int64_t>{99, 200});
        }
        waiter.join();
        CHECK(went_on);
    }
}

TEST_CASE("many makers, any order: every unit whole and in its place, memory within its bound", "[reorder]") {
    constexpr int kUnits = 60, kItems = 40, kThreads = 6, kLanes = 2;
    constexpr std::size_t kBound = 100;
    Buffer buffer(kBound);
    for (int unit = 0; unit < kUnits; ++unit) buffer.open(unit, unit % kLanes);
    std::atomic<int> next{0};
    std::atomic<std::size_t> most{0};
    std::vector<std::thread> makers;
    for (int t = 0; t < kThreads; ++t)
        makers.emplace_back([&, t] {
            std::minstd_rand random(unsigned(t + 1));
            for (int unit = next++; unit < kUnits; unit = next++) {
                for (int i = 0; i < kItems; ++i) {
                    buffer.wait_for_room(unit);
                    buffer.push(unit, i, 1);
                    most = std::max<std::size_t>(most, buffer.held_bytes());
                    if (random() % 8 == 0) std::this_thread::yield();
                }
                buffer.close(unit);
            }
        });
    std::vector<int> unit_of_lane(kLanes), item_of_lane(kLanes);
    for (int lane = 0; lane < kLanes; ++lane) unit_of_lane[std::size_t(lane)] = lane;
    for (int ends = 0; ends < kUnits;) {
        const auto item = buffer.next(Buffer::Clock::now() + std::chrono::seconds(30));
        REQUIRE(item);
        const auto lane = std::size_t(item->unit % kLanes);
        REQUIRE(item->unit == unit_of_lane[lane]);
        if (item->value) {
            REQUIRE(*item->value == item_of_lane[lane]++);
        } else {
            REQUIRE(item_of_lane[lane] == kItems);
            item_of_lane[lane] = 0;
            unit_of_lane[lane] += kLanes;
            ++ends;
        }
    }
    for (std::thread& maker : makers) maker.join();
    CHECK(most <= kBound + kThreads);
}
