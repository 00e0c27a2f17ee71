// SPDX-License-Identifier: MIT
//
// Devices that die, runs that are stopped, observers that throw.
#include <random>

#include "engine/run/scheduler.h"
#include "tests/engine/fake_input.h"
#include "tests/support/catch.h"
#include "tests/support/in_time.h"

using namespace convoy;
using namespace convoy::test;

namespace {

constexpr int kRepeats = 20;

Script many_segments() {
    Script script;
    script.segments = std::vector<int>(40, 9);
    return script;
}

/// A run of many_segments() on these devices, of which no frame is lost or doubled.
RunReport check_whole(FakeDevices& fake, bool draws, bool orders) {
    Recorder recorder(1);
    recorder.draws = draws, recorder.orders = orders;
    const std::atomic<bool> stop = false;
    const RunReport report = Scheduler(fake.workers, {run_input(many_segments())}, recorder, stop, few_threads()).run();
    CHECK(recorder.inputs[0].numbers == numbers_from(0, 360));
    CHECK(recorder.inputs[0].end->frames == 360);
    CHECK(recorder.sound());
    return report;
}

}  // namespace

TEST_CASE("a device that dies gives its segments back: no frame lost or doubled", "[scheduler][failure]") {
    std::minstd_rand random(1);
    for (auto [draws, orders] : {std::pair{false, false}, {true, false}, {false, true}, {true, true}})
        for (int repeat = 0; repeat < kRepeats; ++repeat) {
            const int dies_at = int(random() % 25);
            INFO("dies at its batch " << dies_at << ", draws " << draws << ", orders " << orders << ", repeat "
                                      << repeat);
            FakeDevices fake(3);
            for (FakeBackend* backend : fake.backends) backend->work = std::chrono::microseconds(100);
            fake.backends[std::size_t(repeat) % 3]->die_at_run = dies_at;
            fake.backends[std::size_t(repeat) % 3]->die_silently = repeat % 2;
            const RunReport report = check_whole(fake, draws, orders);
            const DeviceReport& died = report.devices[std::size_t(repeat) % 3];
            const bool was_used = fake.backends[std::size_t(repeat) % 3]->dead;
            CHECK(died.failure.empty() == !was_used);
            if (was_used) CHECK(report.repeated_segments > 0);
        }
}

TEST_CASE("all devices but one may die, in any order: no frame lost or doubled", "[scheduler][failure]") {
    std::minstd_rand random(2);
    for (auto [devices, dying] : {std::pair{4, 1}, {4, 2}, {4, 3}, {8, 7}})
        for (int repeat = 0; repeat < kRepeats; ++repeat) {
            INFO(dying << " of " << devices << " devices, repeat " << repeat);
            FakeDevices fake(devices);
            for (FakeBackend* backend : fake.backends) backend->work = std::chrono::microseconds(100);
            for (int i = 0; i < dying; ++i) {
                FakeBackend& backend = *fake.backends[std::size_t(repeat + i) % std::size_t(devices)];
                backend.die_at_run = int(random() % 10);
                backend.die_silently = random() % 2;
            }
            const RunReport report = check_whole(fake, repeat % 2, repeat / 2 % 2);
            CHECK(report.failure.empty());
            for (int i = 0; i < devices; ++i)
                CHECK(report.devices[std::size_t(i)].failure.empty() == !fake.backends[std::size_t(i)]->dead);
        }
}

TEST_CASE("what a device gives back is read although all others wait for it", "[scheduler][failure]") {
    std::minstd_rand random(3);
    for (bool draws : {false, true})
        for (int repeat = 0; repeat < kRepeats; ++repeat) {
            INFO("draws " << draws << ", repeat " << repeat);
            FakeDevices fake(2);
            for (FakeBackend* backend : fake.backends) backend->work = std::chrono::microseconds(100);
            fake.backends[0]->die_at_run = int(random() % 10);
            SchedulerOptions options = few_threads();
            options.result_bytes = draws ? options.result_bytes : 2000;
            options.ordered_pixel_bytes = 2 * 4 * 3;  // of four frames on each device
            Recorder recorder(1);
            recorder.draws = recorder.orders = draws;
            const std::atomic<bool> stop = false;
            in_time("a run with a device that dies",
                    [&] { Scheduler(fake.workers, {run_input(many_segments())}, recorder, stop, options).run(); });
            CHECK(recorder.inputs[0].numbers == numbers_from(0, 360));
            CHECK(recorder.sound());
        }
}

TEST_CASE("a segment that a device gives back finds room beside pixels that wait for another one that it had",
          "[scheduler][failure]") {
    for (int repeat = 0; repeat < kRepeats; ++repeat) {
        FakeDevices fake(2, 8);
        fake.backends[0]->work = std::chrono::milliseconds(3);  // the other device reads on meanwhile
        fake.backends[0]->die_at_run = repeat % 3;
        Script pieces, parts;
        pieces.segments = parts.segments = std::vector<int>(40, 3);
        parts.kind = SegmentKind::first_part;
        SchedulerOptions options = few_threads(1);
        options.pixel_bytes = 8 * 3;  // of a batch
        Recorder recorder(2);
        recorder.draws = true;
        const std::atomic<bool> stop = false;
        in_time("a run of two lanes with a device that dies", [&] {
            Scheduler(fake.workers, {run_input(parts, 0), run_input(pieces, 1)}, recorder, stop, options).run();
        });
        for (const Recorder::Seen& seen : recorder.inputs) CHECK(seen.numbers == numbers_from(0, 120));
        CHECK(recorder.sound());
    }
}

TEST_CASE("a camera goes on with another device when its own dies", "[scheduler][failure]") {
    for (int repeat = 0; repeat < kRepeats; ++repeat) {
        FakeDevices fake(2);
        fake.backends[0]->die_at_run = repeat % 4;
        Script camera;
        camera.segments = {60};
        camera.kind = SegmentKind::endless;
        camera.frame_time = std::chrono::microseconds(200);
        Recorder recorder(1);
        const std::atomic<bool> stop = false;
        const RunReport report = Scheduler(fake.workers, {run_input(camera)}, recorder, stop, few_threads(1)).run();
        CHECK(report.repeated_segments == 1);
        CHECK(recorder.sound());
        // It is opened anew: frames that were in the dead device are gone, as they would be with a camera.
        CHECK(recorder.inputs[0].end->frames >= 60);
    }
}

TEST_CASE("a device that is found dead while a thread waits costs itself alone", "[scheduler][failure]") {
    for (int devices : {1, 2})
        for (int repeat = 0; repeat < kRepeats; ++repeat) {
            INFO(devices << " devices, dies at the release " << repeat % 30);
            FakeDevices fake(devices, 2, 1);
            for (FakeBackend* backend : fake.backends) backend->work = std::chrono::microseconds(100);
            fake.backends[0]->fail_release = repeat % 30;
            fake.backends[0]->die_at_release = true;
            Recorder recorder(1);
            const std::atomic<bool> stop = false;
            const RunReport report = in_time("a run with a device that dies", [&] {
                return Scheduler(fake.workers, {run_input(many_segments())}, recorder, stop, few_threads()).run();
            });
            const std::vector<int>& numbers = recorder.inputs[0].numbers;
            CHECK(numbers == numbers_from(0, int(numbers.size())));
            CHECK(recorder.sound());
            CHECK(report.devices[0].failure.empty() == !fake.backends[0]->dead);
            if (devices == 2) CHECK(numbers.size() == 360);
        }
}

TEST_CASE("a run ends when its device is found dead by a thread that helps, and by no other", "[scheduler][failure]") {
    for (int repeat = 0; repeat < kRepeats; ++repeat) {
        FakeDevices fake(1, 2);
        fake.backends[0]->fail_release = repeat % 4;
        fake.backends[0]->die_at_release = true;
        Script script = many_segments();
        script.frame_time = std::chrono::microseconds(20);
        SchedulerOptions options = few_threads(1);
        options.cpu_decoders = 1;
        options.first_decoder = std::chrono::milliseconds(repeat % 2 * 2000);
        Recorder recorder(1);
        const std::atomic<bool> stop = false;
        const RunReport report = in_time("a run with a device that dies", [&] {
            return Scheduler(fake.workers, {run_input(script)}, recorder, stop, options).run();
        });
        CHECK(fake.backends[0]->dead);
        const std::vector<int>& numbers = recorder.inputs[0].numbers;
        CHECK(numbers == numbers_from(0, int(numbers.size())));
        if (numbers.size() < 360) CHECK_FALSE(report.failure.empty());
    }
}

TEST_CASE("a device that hangs gives its segments back, and is left as it is", "[scheduler][failure]") {
    for (bool draws : {false, true})
        for (int hangs_at : {0, 3}) {
            INFO("hangs at its batch " << hangs_at << ", draws " << draws);
            FakeDevices fake(2);
            for (FakeBackend* backend : fake.backends) backend->work = std::chrono::milliseconds(1);
            fake.backends[1]->hang_at_run = hangs_at;
            Recorder recorder(1);
            recorder.draws = draws;
            const std::atomic<bool> stop = false;
            const Script script = many_segments();
            const RunReport report = in_time("a run with a device that hangs", [&] {
                return Scheduler(fake.workers, {run_input(script)}, recorder, stop, few_threads()).run();
            });
            CHECK(recorder.inputs[0].numbers == numbers_from(0, 360));
            CHECK(recorder.sound());
            CHECK(report.repeated_segments > 0);
            CHECK(report.devices[0].failure.empty());
            CHECK(report.devices[1].failure.find("fake hangs") != std::string::npos);
            // Readers for the other device are gone. Some for this one may be, too, if they went before.
            CHECK(script.living_readers->count() <= few_threads().decoders);
            CHECK(script.living_readers->count() > 0);
            Recorder again(1);
            in_time("a run without it",
                    [&] { Scheduler(fake.workers, {run_input(script)}, again, stop, few_threads()).run(); });
            CHECK(again.inputs[0].numbers == numbers_from(0, 360));
            script.living_readers->destroy();
        }
}

TEST_CASE("a device that was dead before is left out", "[scheduler][failure]") {
    FakeDevices fake(2);
    fake.workers[0]->fail("dead on arrival");
    Recorder recorder(1);
    const std::atomic<bool> stop = false;
    Scheduler(fake.workers, {run_input(many_segments())}, recorder, stop, few_threads()).run();
    CHECK(recorder.inputs[0].numbers == numbers_from(0, 360));
}

TEST_CASE("when the last device dies the run ends early, what came out is whole", "[scheduler][failure]") {
    for (int devices : {1, 2})
        for (bool draws : {false, true}) {
            FakeDevices fake(devices);
            for (FakeBackend* backend : fake.backends) backend->die_at_run = 3;
            Recorder recorder(1);
            recorder.draws = draws;
            const std::atomic<bool> stop = false;
            const RunReport report =
                Scheduler(fake.workers, {run_input(many_segments())}, recorder, stop, few_threads()).run();
            CHECK_FALSE(report.failure.empty());
            CHECK_FALSE(report.stopped);
            const Recorder::Seen& seen = recorder.inputs[0];
            CHECK(seen.numbers.size() < 360);
            CHECK(seen.numbers == numbers_from(0, int(seen.numbers.size())));
            if (seen.end) CHECK(seen.end->frames == std::int64_t(seen.numbers.size()));
            if (draws) CHECK(seen.worked == seen.numbers);
            CHECK(recorder.sound());
            Recorder again(1);  // they are dead from the start now
            CHECK_THROWS_AS(Scheduler(fake.workers, {run_input(many_segments())}, again, stop, few_threads()).run(),
                            Error);
        }
}

TEST_CASE("a picture that cannot be processed on a sound device ends the run with its error", "[scheduler][failure]") {
    FakeDevices fake(2);
    for (FakeBackend* backend : fake.backends) backend->fail_picture = 57;
    Recorder recorder(1);
    const std::atomic<bool> stop = false;
    try {
        Scheduler(fake.workers, {run_input(many_segments())}, recorder, stop, few_threads()).run();
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(std::string(error.what()) == "bad picture");
    }
}

TEST_CASE("a stopped run ends soon, without gaps, at the last frame that it told of", "[scheduler][failure]") {
    constexpr int kFrames = 40000;  // more than are read while a busy machine keeps the stop waiting
    std::minstd_rand random(2);
    for (auto [draws, orders] : {std::pair{false, false}, {true, false}, {false, true}, {true, true}})
        for (SegmentKind kind : {SegmentKind::closed, SegmentKind::first_part, SegmentKind::endless})
            for (int repeat = 0; repeat < kRepeats; ++repeat) {
                FakeDevices fake(2);
                for (FakeBackend* backend : fake.backends) backend->work = std::chrono::microseconds(300);
                Script script;
                script.segments =
                    kind == SegmentKind::endless ? std::vector<int>{kFrames} : std::vector<int>(kFrames / 10, 10);
                script.kind = kind;
                script.frame_time = std::chrono::microseconds(50);
                Recorder recorder(2);
                recorder.draws = draws, recorder.orders = orders;
                recorder.work_time = std::chrono::microseconds(100);
                std::atomic<bool> stop = false;
                const std::size_t stop_at = random() % 300;
                recorder.on_result = [&](int, Result&) {
                    if (recorder.inputs[0].numbers.size() >= stop_at) stop = true;
                };
                const auto start = std::chrono::steady_clock::now();
                const RunReport report =
                    Scheduler(fake.workers, {run_input(script), run_input(script)}, recorder, stop, few_threads())
                        .run();
                CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));  // on a busy machine, too
                const Recorder::Seen& seen = recorder.inputs[0];
                INFO(seen.numbers.size() << " frames, stopped at " << stop_at);
                CHECK(report.stopped);
                CHECK(seen.numbers.size() >= stop_at);
                CHECK(seen.numbers.size() < kFrames);
                CHECK(seen.numbers == numbers_from(0, int(seen.numbers.size())));
                REQUIRE(seen.end);
                CHECK(seen.end->frames == std::int64_t(seen.numbers.size()));
                if (draws) CHECK(seen.worked == seen.numbers);
                CHECK_FALSE(recorder.inputs[1].end);  // was never begun
                CHECK(recorder.sound());
            }
}

TEST_CASE("a stop that comes when everything is there takes nothing away", "[scheduler][failure]") {
    FakeDevices fake(1);
    Script script;
    script.segments = {5, 5};
    Recorder recorder(1);
    std::atomic<bool> stop = false;
    recorder.on_result = [&](int, Result& result) {
        if (result.frame.index != 9) return;
        while (script.living_readers->count() > 0) std::this_thread::yield();  // the input's end has been seen, too
        stop = true;
    };
    const RunReport report = Scheduler(fake.workers, {run_input(script)}, recorder, stop, few_threads()).run();
    CHECK_FALSE(report.stopped);
    CHECK(recorder.inputs[0].end->frames == 10);
}

TEST_CASE("what the observer throws ends the run", "[scheduler][failure]") {
    for (int at : {0, 1, 100})
        for (bool draws : {false, true}) {
            FakeDevices fake(2);
            Recorder recorder(1);
            recorder.draws = draws;
            recorder.on_result = [&](int, Result& result) {
                if (result.frame.index == at) throw Error(ErrorKind::output, "the disk is full");
            };
            const std::atomic<bool> stop = false;
            try {
                Scheduler(fake.workers, {run_input(many_segments())}, recorder, stop, few_threads()).run();
                FAIL("no error");
            } catch (const Error& error) {
                CHECK(std::string(error.what()) == "the disk is full");
            }
            CHECK(recorder.inputs[0].numbers.size() == std::size_t(at));
        }
}
