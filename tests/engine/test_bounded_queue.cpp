// SPDX-License-Identifier: MIT
#include "engine/run/bounded_queue.h"

#include <atomic>
#include <thread>

#include "tests/support/catch.h"

using convoy::BoundedQueue;

TEST_CASE("a bounded queue keeps order and holds no more than its capacity", "[queue]") {
    BoundedQueue<int> queue(3);
    std::atomic<int> pushed{0};
    std::thread producer([&] {
        for (int i = 0; i < 1000; ++i) {
            queue.push(i);
            ++pushed;
        }
        queue.close();
    });
    for (int expected = 0; expected < 1000; ++expected) {
        const std::optional<int> item = queue.pop();
        REQUIRE(item.has_value());
        REQUIRE(*item == expected);
        REQUIRE(pushed <= expected + 1 + 3 + 1);  // taken, inside, and one being counted
    }
    REQUIRE_FALSE(queue.pop().has_value());
    producer.join();
}

TEST_CASE("closing a queue wakes those who wait on it", "[queue]") {
    BoundedQueue<int> empty(1), full(1);
    REQUIRE(full.push(1));
    std::atomic<int> woken{0};
    std::thread reader([&] { woken += !empty.pop().has_value(); });
    std::thread writer([&] { woken += !full.push(2); });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    empty.close();
    full.close();
    reader.join();
    writer.join();
    REQUIRE(woken == 2);
    REQUIRE(full.pop() == 1);  // what was inside stays available
    REQUIRE_FALSE(full.pop().has_value());
}

TEST_CASE("cancelling a queue forgets what is inside", "[queue]") {
    BoundedQueue<int> queue(2);
    queue.push(1);
    queue.cancel();
    REQUIRE_FALSE(queue.pop().has_value());
    REQUIRE_FALSE(queue.push(2));
}

TEST_CASE("a deadline ends a wait", "[queue]") {
    BoundedQueue<int> queue(1);
    const auto start = BoundedQueue<int>::Clock::now();
    REQUIRE_FALSE(queue.pop_until(start + std::chrono::milliseconds(10)).has_value());
    REQUIRE(BoundedQueue<int>::Clock::now() - start >= std::chrono::milliseconds(10));
    queue.push(7);
    REQUIRE(queue.pop_until(start) == 7);  // an item that is there is taken even after the deadline
}
