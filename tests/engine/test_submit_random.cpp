// SPDX-License-Identifier: MIT
//
// A queue with several threads on either side, beside devices that die: all of it drawn at random.
// CONVOY_TEST_SEED=N and CONVOY_TEST_SEEDS=COUNT choose others.
#include <algorithm>
#include <mutex>

#include <convoy/error.h>
#include "engine/run/submit_queue.h"
#include "tests/engine/random_input.h"
#include "tests/support/catch.h"

using namespace convoy;
using namespace convoy::test;

namespace {

/// Threads that submit numbered frames, and threads that take their results.
class Traffic {
public:
    Traffic(Dice& dice, FakeDevices& fake, int capacity, int picture_side, int things_of_a_frame)
        : side_(picture_side), things_(things_of_a_frame), producers_(1 + dice.below(3)), frames_(1 + dice.below(60)) {
        dice.say("\n queue:");
        queue_.emplace(fake.workers, dice.say("capacity", capacity));
        dice.say("producers", producers_), dice.say("frames", frames_);
        flushes_ = dice.pick("flushes", {0, 1}), tries_ = dice.pick("tries", {0, 1});
        cancel_at_ = dice.one_in(8) ? dice.say("cancel_at", dice.below(60)) : -1;
        const int cancel_after = dice.one_in(6) ? dice.say("cancel_after", dice.below(5000)) : -1;
        const int consumers = dice.pick("consumers", {1, 1, 1, 2}), seed = dice.below(99999) + 1;
        for (int i = 0; i < producers_; ++i) threads_.emplace_back([=, this] { produce(std::minstd_rand(seed + i)); });
        for (int i = 0; i < consumers; ++i) threads_.emplace_back([=, this] { consume(std::minstd_rand(seed - i)); });
        if (cancel_after < 0) return;
        std::this_thread::sleep_for(Micro(cancel_after));
        cancel();
    }
    void join() {
        for (std::thread& thread : threads_) thread.join();
        queue_.reset();
    }
    int all() const { return producers_ * frames_; }

    const std::shared_ptr<FrameCount> living = std::make_shared<FrameCount>();
    std::vector<int> numbers;  // of results; -1: an error
    int wrong = 0;             // results that are not those of their frames
    std::atomic<bool> refused{false}, cancelled{false};

private:
    void produce(std::minstd_rand random) {
        try {
            for (int i = 0; i < frames_; ++i) {
                pause(random);
                while (!submit(!tries_ || random() % 2))
                    if (cancelled) return;
                if (flushes_ && random() % 4 == 0) queue_->flush();
            }
        } catch (const Error&) {
            refused = true;
        }
        if (++done_ == producers_) queue_->finish();
    }
    bool submit(bool waits) {
        const std::lock_guard lock(submitting_);  // frames are numbered in the order of submission
        Frame frame = pictures().frame(next_, side_, side_);
        frame.owner = FrameCount::one_more(living);
        const bool taken = queue_->submit(std::move(frame), waits);
        next_ += taken;
        return taken;
    }
    void consume(std::minstd_rand random) {
        for (;;) {
            pause(random);
            const std::lock_guard lock(taking_);
            if (over_) return;
            try {
                const std::optional<Result> result = queue_->next();
                if (!result) over_ = true;
                if (result) take(*result);
            } catch (const Error&) {
                numbers.push_back(-1);
                over_ = int(numbers.size()) > all();  // no device is left, and no end is told
            }
            if (int(numbers.size()) == cancel_at_) cancel();
        }
    }
    void take(const Result& result) {
        const auto less = [](const Detection& a, const Detection& b) { return a.class_id < b.class_id; };
        const std::vector<Detection>& found = result.detections;
        wrong += int(found.size()) != things_ || !result.frame.owner ||
                 std::min_element(found.begin(), found.end(), less)->class_id != result.frame.index;
        numbers.push_back(int(result.frame.index));
    }
    void cancel() {
        cancelled = true;
        queue_->cancel();
    }
    static void pause(std::minstd_rand& random) {
        if (random() % 8 == 0) std::this_thread::sleep_for(Micro(random() % 300));
    }

    const int side_, things_, producers_, frames_;
    bool flushes_ = false, tries_ = false, over_ = false;
    int cancel_at_ = -1, next_ = 0;
    std::atomic<int> done_{0};
    std::optional<SubmitQueue> queue_;
    std::mutex submitting_, taking_;
    std::vector<std::thread> threads_;
};

bool any_is_left(const FakeDevices& fake) {
    return std::any_of(fake.workers.begin(), fake.workers.end(), [](const auto& worker) { return !worker->failed(); });
}

void queue_once(Dice& dice, FakeDevices& fake, int capacity, int side, int things) {
    if (!any_is_left(fake)) return;
    Traffic traffic(dice, fake, capacity, side, things);
    INFO(dice.said());
    traffic.join();
    CHECK(traffic.wrong == 0);
    CHECK(traffic.living->living == 0);
    const bool left = any_is_left(fake);
    if (left) CHECK_FALSE(traffic.refused);
    const std::vector<int>& numbers = traffic.numbers;
    for (int i = 0; i < int(numbers.size()); ++i)
        if (left || numbers[std::size_t(i)] >= 0) CHECK(numbers[std::size_t(i)] == i);
    if (left && !traffic.cancelled) CHECK(int(numbers.size()) == traffic.all());
}

void queue_drawn(unsigned seed) {
    Dice dice(seed);
    const int devices = dice.pick("devices", {1, 2, 2, 3, 8});
    const int batch = dice.pick("batch", {1, 2, 4, 8}), slots = dice.pick("slots", {1, 2, 3});
    const int latency = dice.pick("latency", {-1, -1, 0, 1}), tiled = dice.pick("tiled", {0, 0, 1, 2});
    const TileOptions tiles[] = {{}, {2, 1, 0, false}, {2, 2, 0, true}};
    FakeDevices fake(devices, batch, slots, latency, tiles[tiled]);
    for (FakeBackend* backend : fake.backends) {
        dice.say("\n device:");
        backend->work = Micro(dice.pick("work", {0, 0, 50, 300}));
        if (dice.one_in(2)) continue;
        const int how = dice.pick("how", {0, 1, 2, 3}), at = dice.say("at", dice.below(dice.one_in(2) ? 3 : 20));
        if (how <= 1) backend->die_at_run = at, backend->die_silently = how;
        if (how == 2) backend->hang_at_run = at;
        if (how == 3) backend->fail_release = at, backend->die_at_release = true;
    }
    for (int queues = dice.pick("queues", {1, 1, 2}); queues > 0; --queues) {
        const int enough = batch * (2 * slots + 1) * devices / tiles[tiled].count() + 2;  // for one device, too
        const int capacity = devices == 1 || dice.one_in(2) ? enough : 2 + dice.below(20);
        const int things[] = {1, 2, 4};
        queue_once(dice, fake, capacity, tiled ? 4 : 1, things[tiled]);
    }
}

}  // namespace

TEST_CASE("whatever is drawn, no frame of a queue is lost, doubled or out of order", "[submit][random]") {
    with_each_seed(queue_drawn);
}
