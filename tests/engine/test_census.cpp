// SPDX-License-Identifier: MIT
#include "engine/run/census.h"

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/in_time.h"

using namespace convoy;

TEST_CASE("a census waits until the last destructor has returned, on whichever thread", "[census]") {
    static std::atomic<int> gone;
    struct Slow {
        ~Slow() {
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            ++gone;
        }
    };
    gone = 0;
    auto census = std::make_shared<Census>();
    census->wait_for_none();
    std::shared_ptr<Slow> a = census->make<Slow>(), b = census->make<Slow>();
    std::jthread last([held = std::move(a)]() mutable {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        held.reset();
    });
    b.reset();
    test::in_time("a census", [&] { census->wait_for_none(); });
    CHECK(gone == 2);
}

TEST_CASE("what could not be made is not counted, and objects may outlive whoever counts them", "[census]") {
    struct Refuses {
        Refuses() { throw std::runtime_error("no"); }
    };
    auto census = std::make_shared<Census>();
    CHECK_THROWS_AS(census->make<Refuses>(), std::runtime_error);
    test::in_time("a census of nothing", [&] { census->wait_for_none(); });
    std::shared_ptr<int> left = census->make<int>(7);
    census.reset();
    CHECK(*left == 7);
}
