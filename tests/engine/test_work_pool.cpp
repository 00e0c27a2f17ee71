// SPDX-License-Identifier: MIT
#include "engine/run/work_pool.h"

#include <atomic>
#include <chrono>

#include "tests/support/catch.h"

using namespace convoy;

namespace {

/// Counts its steps, and notices when two run at once.
class Counter : public WorkPool::Strand {
public:
    explicit Counter(std::atomic<int>& all, std::int64_t rank = 0) : Strand(rank), all_(all) {}
    bool step(int) noexcept override {
        if (inside.exchange(true)) overlapped = true;
        const bool work = to_do > 0;
        if (work) {
            --to_do;
            ++done;
            ++all_;
        }
        inside = false;
        return work;
    }
    std::atomic<int> to_do{0}, done{0};
    std::atomic<bool> inside{false}, overlapped{false};

private:
    std::atomic<int>& all_;
};

}  // namespace

TEST_CASE("every step of every strand is done, one at a time within a strand", "[pool]") {
    constexpr int kStrands = 8, kRounds = 500;
    std::atomic<int> all{0};
    std::vector<std::shared_ptr<Counter>> strands;
    for (int i = 0; i < kStrands; ++i) strands.push_back(std::make_shared<Counter>(all, i % 3));
    WorkPool pool(4);
    CHECK(pool.size() == 4);
    std::vector<std::thread> wakers;
    for (int t = 0; t < 2; ++t)
        wakers.emplace_back([&] {
            for (int round = 0; round < kRounds; ++round)
                for (const auto& strand : strands) {
                    ++strand->to_do;
                    pool.wake(strand);
                }
        });
    for (std::thread& waker : wakers) waker.join();
    while (!pool.idle()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    CHECK(all == 2 * kRounds * kStrands);
    for (const auto& strand : strands) {
        CHECK(strand->done == 2 * kRounds);
        CHECK_FALSE(strand->overlapped);
    }
}

TEST_CASE("of what is to be done the lowest rank goes first", "[pool]") {
    struct Ranked : WorkPool::Strand {
        Ranked(std::int64_t rank, std::vector<std::int64_t>& order, int steps)
            : Strand(rank), number(rank), log(order), left(steps) {}
        bool step(int) noexcept override {
            if (number < 0) std::this_thread::sleep_for(std::chrono::milliseconds(50));  // until all others wait
            if (left == 0) return false;
            --left;
            log.push_back(number);
            return true;
        }
        std::int64_t number;
        std::vector<std::int64_t>& log;
        int left;
    };
    std::vector<std::int64_t> order;
    WorkPool pool(1);
    pool.wake(std::make_shared<Ranked>(-1, order, 1));
    for (int rank : {3, 1, 2}) pool.wake(std::make_shared<Ranked>(rank, order, 2));
    while (!pool.idle()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    CHECK(order == std::vector<std::int64_t>{-1, 1, 1, 2, 2, 3, 3});
}

TEST_CASE("a pool ends with work left undone", "[pool]") {
    std::atomic<int> all{0};
    const auto strand = std::make_shared<Counter>(all);
    strand->to_do = 1'000'000'000;
    {
        WorkPool pool(2);
        pool.wake(strand);
    }
    CHECK(all < 1'000'000'000);
}

TEST_CASE("what is being done when a pool is stopped may wake others", "[pool]") {
    struct Waker : WorkPool::Strand {
        explicit Waker(WorkPool& p) : Strand(0), pool(p) {}
        bool step(int) noexcept override {
            began = true;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));  // until it is being stopped
            if (other) pool.wake(std::move(other));
            ended = true;
            return false;
        }
        WorkPool& pool;
        std::shared_ptr<Strand> other;
        std::atomic<bool> began{false}, ended{false};
    };
    std::atomic<int> all{0};
    WorkPool pool(1);
    const auto waker = std::make_shared<Waker>(pool);
    waker->other = std::make_shared<Counter>(all);
    pool.wake(waker);
    while (!waker->began) std::this_thread::yield();
    pool.stop();
    CHECK(waker->ended);
    pool.stop();
}
