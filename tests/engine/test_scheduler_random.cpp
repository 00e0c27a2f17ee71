// SPDX-License-Identifier: MIT
//
// Runs of which all is drawn at random: devices that die, inputs that come and go, budgets of a few bytes, stops.
// CONVOY_TEST_SEED=N and CONVOY_TEST_SEEDS=COUNT choose others.
#include <array>

#include "engine/run/input_feed.h"
#include "engine/run/scheduler.h"
#include "tests/engine/watcher.h"
#include "tests/support/catch.h"

using namespace convoy;
using namespace convoy::test;

namespace {

void draw_device(Dice& dice, FakeBackend& backend, DeviceWorker& worker, int number) {
    dice.say("\n  device:");
    backend.gpu = number;
    backend.work = Micro(dice.pick("work", {0, 0, 50, 300}));
    if (dice.one_in(2)) return;
    const int at = dice.say("at", dice.one_in(2) ? dice.below(4) : dice.below(40));
    const std::string how = std::array{"dies", "silently", "hangs", "release", "before", "batch", "seat"}[std::size_t(
        dice.pick("how", {0, 1, 2, 3, 3, 4, 5, 6}))];
    if (how == "dies" || how == "silently") backend.die_at_run = at, backend.die_silently = how == "silently";
    if (how == "hangs") backend.hang_at_run = at;
    if (how == "release") backend.fail_release = at, backend.die_at_release = true;
    if (how == "before" && at < 2) worker.fail("dead on arrival");
    if (how == "batch" && at == 3) backend.fail_run = at;     // the run's error, not the device's
    if (how == "seat" && at == 2) backend.fail_release = at;  // the same
}

SchedulerOptions draw_options(Dice& dice, int devices) {
    SchedulerOptions o;
    o.decoders = dice.pick("\n  decoders", {1, 1, 2, 3}), o.cpu_decoders = dice.pick("cpu_decoders", {0, 0, 1, 2});
    o.work_threads = dice.pick("work_threads", {1, 2, 3}), o.as_needed = dice.pick("as_needed", {0, 0, 1});
    o.first_decoder = std::chrono::milliseconds(dice.pick("first_decoder", {0, 1, 5}));
    const auto bytes = [&](const char* name, std::initializer_list<int> of) {
        return std::size_t(dice.pick(name, of));
    };
    o.result_bytes = bytes("result_bytes", {kPlenty, kPlenty, 1, 600, 3000});
    o.pixel_bytes = bytes("pixel_bytes", {kPlenty, kPlenty, 1, 10, 400});
    o.ordered_pixel_bytes = bytes("ordered_pixel_bytes", {kPlenty, kPlenty, 1, 12, 40, 400}) * std::size_t(devices);
    o.segment_bytes = bytes("segment_bytes", {kPlenty, kPlenty, 1, 1500});
    return o;
}

/// Adds the inputs, before the run or while it lasts; ends some early, and those that wait for it when all else has
/// come.
class Feeder {
public:
    Feeder(Dice& dice, std::deque<DrawnInput>& inputs, Watcher& watcher)
        : late_(dice.pick("late", {0, 1})),
          early_(dice.pick("ends_early", {0, 0, 0, 1})),
          random_(dice.below(9999) + 1),
          inputs_(inputs),
          watcher_(watcher) {
        if (!late_)
            for (DrawnInput& input : inputs) feed.add(input.run_input());
        thread_ = std::jthread([this](std::stop_token over) { work(over); });
    }
    void join() { thread_.request_stop(), thread_.join(); }
    InputFeed feed;

private:
    void work(const std::stop_token& over) {
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            if (late_) pause(1500), feed.add(inputs_[i].run_input());
            if (early_ && random_() % 2) pause(200), end(random_() % (i + 1));
        }
        if (std::none_of(inputs_.begin(), inputs_.end(), [](const auto& i) { return i.waits(); })) return feed.close();
        for (std::size_t i = 0; i < inputs_.size(); ++i)
            while (!over.stop_requested() && !is_through(i)) std::this_thread::sleep_for(Micro(100));
        for (std::size_t i = 0; i < inputs_.size(); ++i)
            if (inputs_[i].waits()) end(i);
        feed.close();
    }
    bool is_through(std::size_t i) const {
        const DrawnInput& input = inputs_[i];
        if (watcher_.seen[i].has_ended || input.waits_to_open) return true;
        return input.waits_at_end &&
               (input.is_camera() ? input.read : watcher_.seen[i].told) >= int(input.expected().size());
    }
    void pause(unsigned most) { std::this_thread::sleep_for(Micro(random_() % most)); }
    void end(std::size_t i) {
        if (!is_through(i)) inputs_[i].ended = true;
        feed.end(int(i));
    }

    const bool late_, early_;
    std::minstd_rand random_;
    std::deque<DrawnInput>& inputs_;
    Watcher& watcher_;
    std::jthread thread_;
};

/// What the run has told of an input, whether it went on to its end or was `cut` off.
void check_input(const DrawnInput& input, const Watcher& watcher, const Watcher::Seen& seen, bool cut,
                 bool any_failed) {
    const bool camera_moved = input.is_camera() && any_failed;  // and has lost frames
    const std::vector<int> all = camera_moved ? numbers_from(input.first, input.segments[0]) : input.expected();
    const bool whole = !cut && !input.ended && !input.waits_to_open && !input.no_open;
    if (!cut) CHECK(seen.has_ended);
    if (input.no_open) CHECK(seen.numbers.empty());
    if (input.newest || camera_moved) {
        CHECK(std::includes(all.begin(), all.end(), seen.numbers.begin(), seen.numbers.end()));
    } else {
        REQUIRE(seen.numbers.size() <= all.size());
        CHECK(std::equal(seen.numbers.begin(), seen.numbers.end(), all.begin()));
        if (whole) CHECK(seen.numbers.size() == all.size());
    }
    if (watcher.orders) CHECK(seen.shown >= seen.told);
    if (!seen.has_ended) return;
    const InputEnd& end = seen.end;
    CHECK(end.frames == seen.told);
    if (watcher.draws && !input.no_work) CHECK(seen.worked == seen.numbers);
    const auto undecodable = [&](int number) { return input.is_undecodable(number); };
    CHECK(end.undecodable == std::count_if(seen.numbers.begin(), seen.numbers.end(), undecodable));
    if (end.early) CHECK((input.ended || input.waits()));
    if (!whole || camera_moved) return;
    if (!end.early) CHECK(end.segments == std::int64_t(input.segments.size()));
    const bool ended_before = input.is_camera() && end.early;  // perhaps before it broke
    if (!ended_before) CHECK(end.error == (input.breaks() ? "unreadable" : input.bad_cut && !end.early ? "cut" : ""));
    if (!any_failed) CHECK(end.frames + end.dropped == input.read);
    if (!all.empty()) CHECK(seen.numbers.back() == all.back());
}

bool all_have_failed(const FakeDevices& fake) {
    return std::all_of(fake.workers.begin(), fake.workers.end(), [](const auto& worker) { return worker->failed(); });
}

void check_told(const FakeDevices& fake, const std::deque<DrawnInput>& inputs, const Watcher& watcher,
                const RunReport& report) {
    const bool cut = watcher.stop || !report.failure.empty();
    const bool any_failed =
        std::any_of(fake.workers.begin(), fake.workers.end(), [](const auto& w) { return w->failed(); });
    std::size_t told = 0;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        INFO("input " << i);
        check_input(inputs[i], watcher, watcher.seen[i], cut, any_failed);
        told += watcher.seen[i].numbers.size();
    }
    if (!watcher.stop) CHECK_FALSE(report.stopped);
    if (!report.failure.empty()) CHECK(all_have_failed(fake));
    if (!any_failed) CHECK(report.repeated_segments == 0);
    if (!any_failed && !cut) CHECK(report.latency.count == told);
}

/// Whether a run may end with an error of a device that is alive.
bool may_throw(const FakeBackend& b) {
    return b.fail_run >= 0 || b.fail_picture >= 0 || (b.fail_release < 0 && !b.die_at_release);
}

void check_nothing_is_left(const FakeDevices& fake, Living& living) {
    int kept = 0;  // readers, for the next run
    for (FakeBackend* b : fake.backends) {
        CHECK_FALSE(b->strange);
        for (const ReadySeat& seat : b->ready) kept += bool(seat.reader);
    }
    if (std::any_of(fake.backends.begin(), fake.backends.end(), [](const auto* b) { return b->hangs(); })) {
        for (FakeBackend* b : fake.backends) b->ready.clear();
        living.readers.destroy();  // they were left on purpose
        kept = 0;
    }
    CHECK(living.readers.count() == kept);
    CHECK(living.inputs + living.frames->living == 0);
}

/// What a run throws, in words; nothing when it does not.
std::string error_of(const std::function<void()>& run) {
    try {
        run();
    } catch (const Crash&) {
        return "crash";
    } catch (const Error& error) {
        return error.what();
    }
    return {};
}

void run_once(Dice& dice, FakeDevices& fake, Living& living, int side, int things) {
    dice.say("\n run:");
    const SchedulerOptions options = draw_options(dice, int(fake.backends.size()));
    const int stop_after = dice.one_in(6) ? dice.say("stop_after", dice.below(8000)) : -1;
    const bool never_ready = dice.one_in(6) && dice.say("never_ready", 1);  // but for one of a device's decoders
    if (dice.one_in(40)) fake.backends[0]->fail_picture = dice.say("fail_picture", dice.below(3000));
    for (FakeBackend* backend : fake.backends) {
        backend->never_ready = never_ready;
        if (backend->ready.empty()) backend->ready.emplace_back();
    }
    std::deque<DrawnInput> inputs;
    const int count = dice.pick("inputs", {1, 1, 2, 3, 6});
    for (int i = 0; i < count; ++i) inputs.emplace_back(dice, i, side, !never_ready, stop_after >= 0, living);
    Watcher watcher(dice, inputs, things);
    Feeder feeder(dice, inputs, watcher);
    INFO(dice.said());
    const bool none_left = all_have_failed(fake);
    std::jthread stopper;
    if (stop_after >= 0)
        stopper = std::jthread([&] {
            std::this_thread::sleep_for(Micro(stop_after));
            watcher.stop = true;
        });
    RunReport report;
    const std::string error = error_of([&] {
        report = Scheduler(fake.workers, InputFeed::Impl::of(feeder.feed), watcher, watcher.stop, options).run();
    });
    feeder.join();
    if (stopper.joinable()) stopper.join();

    check_nothing_is_left(fake, living);
    CHECK(watcher.wrong == "");
    CHECK(watcher.works == 0);
    if (watcher.crashed || none_left) CHECK(!error.empty());
    if (!error.empty() && none_left) CHECK(error.find("every device") == 0);
    if (!error.empty() && !none_left && !watcher.crashed)
        CHECK(std::any_of(fake.backends.begin(), fake.backends.end(), [](const auto* b) { return may_throw(*b); }));
    if (error.empty()) check_told(fake, inputs, watcher, report);
}

void run_drawn(unsigned seed) {
    Dice dice(seed);
    const int devices = dice.pick("devices", {1, 1, 2, 2, 3, 4, 8});
    const int batch = dice.pick("batch", {1, 2, 4, 8}), slots = dice.pick("slots", {1, 2, 3});
    const int latency = dice.pick("latency", {-1, -1, 0, 1}), tiled = dice.pick("tiled", {0, 0, 0, 1, 2});
    const TileOptions tiles[] = {{}, {2, 1, 0, false}, {2, 2, 0, true}};
    Living living;
    FakeDevices fake(devices, batch, slots, latency, tiles[tiled]);
    for (int i = 0; i < devices; ++i)
        draw_device(dice, *fake.backends[std::size_t(i)], *fake.workers[std::size_t(i)], i);
    for (int runs = dice.pick("runs", {1, 1, 2}); runs > 0; --runs)
        run_once(dice, fake, living, tiled ? 4 : 1, std::array{1, 2, 4}[std::size_t(tiled)]);
}

}  // namespace

TEST_CASE("whatever is drawn, no frame of a run is lost, doubled or out of order", "[scheduler][random]") {
    with_each_seed(run_drawn);
}
