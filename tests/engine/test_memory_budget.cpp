// SPDX-License-Identifier: MIT
#include "engine/run/memory_budget.h"

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/in_time.h"

using namespace convoy;
using Hold = MemoryBudget::Hold;

namespace {

bool not_now() { return false; }
bool now() { return true; }

/// Whether a user gets `bytes` without waiting.
bool goes(MemoryBudget& budget, MemoryBudget::User user, std::size_t bytes, bool its_turn = false) {
    struct Waits {};
    try {
        budget.take(user, bytes, its_turn ? now : not_now, [](bool waits) {
            if (waits) throw Waits();
        });
        return true;
    } catch (const Waits&) {
        return false;
    }
}

}  // namespace

TEST_CASE("a budget gives what it has, and more only to whoever must go on", "[budget]") {
    MemoryBudget budget(100);
    Hold a = budget.take(1, 60, not_now);
    CHECK(budget.used() == 60);
    CHECK(goes(budget, 2, 40));
    CHECK(budget.used() == 60);  // what was taken for a moment is back
    CHECK_FALSE(goes(budget, 2, 41));
    CHECK(goes(budget, 2, 41, true));        // its turn, and it holds nothing
    CHECK_FALSE(goes(budget, 1, 41, true));  // it holds something
    CHECK(goes(budget, 1, 0));
    a.release();
    a.release();
    CHECK(budget.used() == 0);
    CHECK(goes(budget, 3, 1000));  // nobody holds anything: larger than all there is, and still it goes on
}

TEST_CASE("one of many users does not take what the others need", "[budget]") {
    MemoryBudget budget(100, 4);
    std::vector<Hold> holds;
    holds.push_back(budget.take(1, 10, not_now));
    holds.push_back(budget.take(1, 15, not_now));
    CHECK_FALSE(goes(budget, 1, 1));        // a quarter
    CHECK_FALSE(goes(budget, 1, 1, true));  // its turn is no reason: it holds something
    CHECK(goes(budget, 2, 60));             // so that large pictures fit
    holds.push_back(budget.take(2, 60, not_now));
    CHECK_FALSE(goes(budget, 3, 16));
    CHECK(goes(budget, 3, 15));
    CHECK(goes(budget, 3, 16, true));
}

TEST_CASE("holds move, and may outlive their budget", "[budget]") {
    Hold kept;
    {
        MemoryBudget budget(100);
        Hold a = budget.take(1, 70, not_now), b = std::move(a);
        CHECK(budget.used() == 70);
        a = budget.take(2, 20, not_now);
        CHECK(budget.used() == 90);
        a = std::move(b);  // lets go of the 20
        CHECK(budget.used() == 70);
        kept = std::move(a);
        CHECK(budget.used() == 70);
    }
    kept.release();
}

TEST_CASE("whoever waits goes on when there is room, when it is its turn, and at the end", "[budget]") {
    for (const char* how : {"room", "turn", "cancel"}) {
        MemoryBudget budget(100);
        std::optional<Hold> all = budget.take(1, 100, not_now);
        std::atomic<bool> its_turn = false, waiting = false, done = false;
        std::vector<bool> told;
        std::jthread other([&] {
            budget.take(
                2, 50, [&] { return its_turn.load(); },
                [&](bool waits) {
                    told.push_back(waits);
                    waiting = waits;
                });
            done = true;
        });
        test::in_time("waiting for a budget", [&] {
            while (!waiting) std::this_thread::yield();
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            CHECK_FALSE(done);
            if (how == std::string("room")) all.reset();
            if (how == std::string("turn")) its_turn = true, budget.look_again();
            if (how == std::string("cancel")) budget.cancel();
            other.join();
        });
        CHECK(told == std::vector{true, false});
    }
}

TEST_CASE("many users never hold more than the budget and a piece for the one whose turn it is", "[budget]") {
    constexpr int kUsers = 6, kPieces = 300;
    constexpr std::size_t kBytes = 7, kBudget = 50;
    MemoryBudget budget(kBudget);
    std::atomic<std::size_t> most = 0;
    test::in_time("users of a budget", [&] {
        std::vector<std::jthread> threads;
        for (int user = 0; user < kUsers; ++user)
            threads.emplace_back([&, user] {
                std::vector<Hold> held;
                for (int i = 0; i < kPieces; ++i) {
                    held.push_back(budget.take(user, kBytes, [&] { return user == 0; }));
                    std::size_t seen = most, used = budget.used();
                    while (used > seen && !most.compare_exchange_weak(seen, used)) {
                    }
                    if (i % 2) held.clear();
                }
            });
    });
    CHECK(budget.used() == 0);
    CHECK(most <= kBudget + kBytes);
}

TEST_CASE("what is reserved is for those whose turn it is", "[budget]") {
    MemoryBudget budget(100, 2, 60);
    std::vector<Hold> holds;
    holds.push_back(budget.take(1, 20, not_now));
    CHECK_FALSE(goes(budget, 1, 1));   // half of what is not reserved
    CHECK(goes(budget, 1, 80, true));  // in its turn, all that is left
    CHECK_FALSE(goes(budget, 1, 81, true));
    holds.push_back(budget.take(2, 20, not_now));
    CHECK_FALSE(goes(budget, 3, 1));
    CHECK(goes(budget, 3, 60, true));
    CHECK(goes(budget, 3, 61, true));  // it holds nothing
}
