// SPDX-License-Identifier: MIT
#include "engine/cuda/patience.h"

#include <thread>

#include <convoy/error.h>
#include "tests/support/catch.h"
#include "tests/support/in_time.h"

using namespace convoy;
using namespace std::chrono_literals;

TEST_CASE("a wait ends when the device is ready", "[patience]") {
    for (const Patience::Manner manner : {Patience::Manner::sleep, Patience::Manner::eager, Patience::Manner::spin}) {
        Patience patience("cuda:0");
        int looks = 0;
        patience.wait(
            "the network", [&] { return ++looks == 5; }, manner);
        CHECK(looks == 5);
        CHECK_FALSE(patience.exhausted());
        CHECK(patience.limit() == Patience::kLeast);
    }
}

TEST_CASE("a device that does not answer is given up, by all who wait for it", "[patience]") {
    Patience patience("cuda:1", 50ms);
    const auto never = [] { return false; };
    std::atomic<int> told = 0;
    std::string sentences[3];
    const auto wait = [&](int who) {
        try {
            patience.wait("the network", never);
        } catch (const Error& error) {
            const std::string what = sentences[who] = error.what();
            told += error.kind() == ErrorKind::device && what.find("cuda:1 hangs") != std::string::npos &&
                    what.find("the network") != std::string::npos;
        }
    };
    test::in_time("waits for a device that does not answer", [&] {
        std::jthread other(wait, 0);
        wait(1);
    });
    wait(2);
    CHECK(sentences[2] == sentences[1]);
    CHECK(told == 3);
    CHECK(sentences[0] == sentences[1]);
    CHECK(patience.exhausted());
    bool looked = false;  // whatever it says now comes too late
    CHECK_THROWS_AS(patience.wait("a copy", [&] { return looked = true; }), Error);
    CHECK_FALSE(looked);
}

TEST_CASE("patience grows with the longest wait that ended, and never below its least", "[patience]") {
    Patience patience("cuda:0");
    patience.saw(100ms);
    CHECK(patience.limit() == 10s);
    patience.saw(3s);
    patience.saw(1s);
    CHECK(patience.limit() == 3s * Patience::kMany);
    Patience quick("cuda:0", 1ms);
    const auto start = Patience::Clock::now();
    quick.saw(2ms);  // so that 40 ms are allowed
    quick.wait("the network", [&] { return Patience::Clock::now() - start > 20ms; });
    CHECK_FALSE(quick.exhausted());
    CHECK(quick.limit() >= 300ms);
}

TEST_CASE("a process that was stopped finds its device ready, not hanging", "[patience]") {
    Patience patience("cuda:0", 5ms);
    int looks = 0;
    // The first look comes long after the wait began, as if the process had been stopped in between.
    patience.wait("the network", [&] {
        if (looks++ == 0) std::this_thread::sleep_for(50ms);
        return looks == 2;
    });
    CHECK(looks == 2);
}

TEST_CASE("what looking at the device throws comes through, and does not end patience", "[patience]") {
    Patience patience("cuda:0");
    CHECK_THROWS_AS(patience.wait("the network", []() -> bool { throw Error(ErrorKind::device, "an illegal access"); }),
                    Error);
    CHECK_FALSE(patience.exhausted());
}

TEST_CASE("time in which the process did not run is no wait for the device", "[patience]") {
    Patience patience("cuda:0", 150ms);
    int looks = 0;
    patience.wait("the network", [&] {
        if (looks++ == 0) std::this_thread::sleep_for(400ms);
        return looks == 3;
    });
    CHECK_FALSE(patience.exhausted());
    CHECK(patience.limit() < 400ms * Patience::kMany);
}
