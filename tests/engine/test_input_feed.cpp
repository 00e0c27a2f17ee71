// SPDX-License-Identifier: MIT
//
// Inputs that come and go while a run lasts.
#include <random>

#include "engine/run/input_feed.h"
#include "engine/run/scheduler.h"
#include "tests/engine/fake_input.h"
#include "tests/support/catch.h"
#include "tests/support/in_time.h"

using namespace convoy;
using namespace convoy::test;

namespace {

constexpr std::chrono::milliseconds kTick{1};

Script camera(int first_number = 0) {
    Script script;
    script.segments = {1500};
    script.kind = SegmentKind::endless;
    script.first_number = first_number;
    script.frame_time = kTick;
    return script;
}

Script file(int segments, int first_number = 0) {
    Script script;
    script.segments = std::vector<int>(std::size_t(segments), 10);
    script.first_number = first_number;
    return script;
}

RunReport run(FakeDevices& fake, InputFeed& feed, Recorder& recorder, const std::atomic<bool>& stop,
              const SchedulerOptions& options = few_threads()) {
    return in_time("a run with a feed",
                   [&] { return Scheduler(fake.workers, InputFeed::Impl::of(feed), recorder, stop, options).run(); });
}

bool comes_one_by_one(const std::vector<int>& numbers, int first) {
    return numbers == numbers_from(first, int(numbers.size()));
}

}  // namespace

TEST_CASE("inputs that are added before a run, while it lasts and when all have ended come out whole", "[feed]") {
    for (const bool draws : {false, true}) {
        FakeDevices fake(2);
        InputFeed feed;
        CHECK(feed.add(run_input(file(3), 0)) == 0);
        CHECK(feed.add(run_input(file(2, 100), 1)) == 1);
        Recorder recorder(4);
        recorder.draws = draws;
        std::atomic<int> results = 0;
        recorder.on_result = [&](int, Result&) { ++results; };
        std::vector<std::optional<int>> added;
        std::jthread adder([&] {
            while (results < 50) std::this_thread::sleep_for(kTick);
            added.push_back(feed.add(run_input(file(4, 200), 1)));
            added.push_back(feed.add(run_input(file(5, 300), 7)));
            while (results < 140) std::this_thread::sleep_for(kTick);
            feed.close();
            added.push_back(feed.add(run_input(file(1), 8)));
        });
        const std::atomic<bool> stop = false;
        const RunReport report = run(fake, feed, recorder, stop);
        CHECK_FALSE(report.stopped);
        CHECK(recorder.sound());
        for (const auto& [input, first, count] : {std::tuple{0, 0, 30}, {1, 100, 20}, {2, 200, 40}, {3, 300, 50}}) {
            const Recorder::Seen& seen = recorder.inputs[std::size_t(input)];
            CHECK(seen.numbers == numbers_from(first, count));
            REQUIRE(seen.end);
            CHECK_FALSE(seen.end->early);
        }
        adder.join();
        CHECK(added == std::vector<std::optional<int>>{2, 3, std::nullopt});
        CHECK_FALSE(feed.add(run_input(file(1), 8)));
        feed.end(0);
    }
}

TEST_CASE("an input that is ended early tells its end, and others of its lane go on", "[feed]") {
    FakeDevices fake(1);
    const Script endless = camera();
    InputFeed feed;
    feed.add(run_input(endless, 0));
    feed.add(run_input(file(3, 2000), 0));    // waits for the camera to end
    feed.add(run_input(file(3, 3000), 0));    // is never opened
    feed.add(run_input(file(400, 4000), 1));  // ends behind the segments that are begun
    feed.end(2);
    feed.end(99);
    feed.close();
    Recorder recorder(4);
    std::atomic<int> of_camera = 0, of_file = 0;
    recorder.on_result = [&](int input, Result&) {
        if (input == 0 && ++of_camera == 5) feed.end(0);
        if (input == 3 && ++of_file == 20) feed.end(3);
    };
    const std::atomic<bool> stop = false;
    const RunReport report = run(fake, feed, recorder, stop);
    CHECK_FALSE(report.stopped);
    const auto& seen = recorder.inputs;
    CHECK(seen[0].numbers.size() >= 5);
    CHECK(seen[0].numbers.size() < 1500);
    CHECK(comes_one_by_one(seen[0].numbers, 0));
    CHECK(seen[1].numbers == numbers_from(2000, 30));
    CHECK(seen[2].numbers.empty());
    CHECK(seen[3].numbers.size() < 4000);
    CHECK(seen[3].numbers.size() % 10 == 0);
    CHECK(comes_one_by_one(seen[3].numbers, 4000));
    for (const auto& input : seen) {
        REQUIRE(input.end);
        CHECK(input.end->error.empty());
        CHECK(input.end->frames == std::int64_t(input.numbers.size()));
    }
    CHECK(seen[0].end->early);
    CHECK_FALSE(seen[1].end->early);
    CHECK(seen[2].end->early);
    CHECK(seen[3].end->early);
    CHECK(endless.living_readers->count() == 0);
}

TEST_CASE("inputs that wait for ever hold up none that are added", "[feed]") {
    FakeDevices fake(1);
    InputFeed feed;
    Recorder recorder(31);
    std::atomic<int> opened = 0;
    for (int i = 0; i < 30; ++i)
        feed.add({[&](std::stop_token cancel) -> std::unique_ptr<Input> {
                      ++opened;
                      while (!cancel.stop_requested()) std::this_thread::sleep_for(kTick);
                      throw Error(ErrorKind::input, "nobody answered");
                  },
                  i});
    std::atomic<bool> stop = false;
    std::jthread adder([&] {
        while (opened < 30) std::this_thread::sleep_for(kTick);
        feed.add(run_input(file(3), 30));
    });
    std::atomic<int> results = 0;
    recorder.on_result = [&](int input, Result&) {
        if (input == 30 && ++results == 30) feed.end(3);
    };
    recorder.on_end = [&](int input) { stop = input == 3; };
    const RunReport report = run(fake, feed, recorder, stop);
    CHECK(report.stopped);
    CHECK(recorder.inputs[30].numbers == numbers_from(0, 30));
    REQUIRE(recorder.inputs[3].end);
    CHECK(recorder.inputs[3].end->error.empty());  // to be ended is no error
}

TEST_CASE("two hundred inputs come and go at random under load, and each is whole and in order", "[feed]") {
    for (const auto& [draws, orders] : {std::pair{false, false}, {true, true}}) {
        constexpr int kInputs = 200;
        FakeDevices fake(2, 3);
        for (FakeBackend* backend : fake.backends) backend->work = std::chrono::microseconds(200);
        std::mt19937 random(7);
        InputFeed feed;
        Recorder recorder(kInputs);
        recorder.draws = draws, recorder.orders = orders;
        std::vector<Script> scripts;
        const auto readers = std::make_shared<LivingReaders>();
        const auto frames = std::make_shared<FrameCount>();
        for (int i = 0; i < kInputs; ++i) {
            Script script = i % 3 == 0 ? file(int(random() % 8), 50 * i) : camera(50 * i);
            if (i % 10 == 9) script.open_error = "it does not exist";
            script.living_readers = readers, script.frames = frames;
            scripts.push_back(script);
        }
        std::atomic<bool> misnumbered = false;
        std::jthread feeder([&] {
            std::vector<int> open;
            for (int i = 0; i < kInputs; ++i) {
                RunInput input = run_input(scripts[std::size_t(i)], int(random() % 4 ? i : i / 2));
                input.newest = random() % 2;
                misnumbered = misnumbered || feed.add(std::move(input)) != i;
                open.push_back(i);
                std::this_thread::sleep_for(std::chrono::microseconds(random() % 2000));
                while (open.size() > random() % 40) {
                    const auto which = open.begin() + std::ptrdiff_t(random() % open.size());
                    feed.end(*which);
                    if (random() % 4 == 0) feed.end(*which);
                    open.erase(which);
                }
            }
            for (const int i : open) feed.end(i);
            feed.close();
        });
        const std::atomic<bool> stop = false;
        const RunReport report = run(fake, feed, recorder, stop);
        CHECK_FALSE(report.stopped);
        CHECK_FALSE(misnumbered);
        CHECK(readers->count() == 0);
        CHECK(frames->living == 0);
        std::int64_t told = 0, dropped = 0;
        for (int i = 0; i < kInputs; ++i) {
            const Recorder::Seen& seen = recorder.inputs[std::size_t(i)];
            INFO("input " << i);
            REQUIRE(seen.end);
            told += seen.end->frames, dropped += seen.end->dropped;
            CHECK(seen.end->frames == std::int64_t(seen.numbers.size()));
            CHECK(std::is_sorted(seen.numbers.begin(), seen.numbers.end()));
            if (seen.end->dropped == 0) CHECK(comes_one_by_one(seen.numbers, 50 * i));
        }
        CHECK(told + dropped == frames->read);
        CHECK(std::set(recorder.events.begin(), recorder.events.end()).size() == recorder.events.size());  // each once
    }
}

TEST_CASE("a run whose inputs come and go survives a device that fails", "[feed]") {
    FakeDevices fake(2);
    fake.backends[0]->die_at_run = 10;
    InputFeed feed;
    const Script endless = camera();
    feed.add(run_input(endless, 0));
    Recorder recorder(2);
    std::atomic<int> results = 0;
    recorder.on_result = [&](int, Result&) {
        if (++results == 60) CHECK(feed.add(run_input(file(5, 2000), 1)) == 1);
        if (results == 100) feed.end(0), feed.close();
    };
    const std::atomic<bool> stop = false;
    run(fake, feed, recorder, stop);
    REQUIRE(recorder.inputs[1].end);
    CHECK(recorder.inputs[1].numbers == numbers_from(2000, 50));
    CHECK(recorder.inputs[0].end->early);
    CHECK(endless.living_readers->count() == 0);
}
