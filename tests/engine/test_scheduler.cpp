// SPDX-License-Identifier: MIT
//
// Whole inputs over devices that are not there.
#include "engine/run/scheduler.h"

#include <numeric>
#include <set>

#include "tests/engine/fake_input.h"
#include "tests/support/catch.h"
#include "tests/support/in_time.h"

using namespace convoy;
using namespace convoy::test;

namespace {

RunReport run(FakeDevices& fake, const std::vector<RunInput>& inputs, Recorder& recorder,
              const SchedulerOptions& options = few_threads()) {
    const std::atomic<bool> stop = false;
    return Scheduler(fake.workers, inputs, recorder, stop, options).run();
}

int total(const Script& script) { return std::accumulate(script.segments.begin(), script.segments.end(), 0); }

}  // namespace

TEST_CASE("results come in order whatever the devices, decoders and segments", "[scheduler]") {
    for (int devices : {1, 2, 4, 8})
        for (auto [decoders, helpers] : {std::pair{1, 0}, {3, 0}, {1, 2}, {3, 3}})
            for (auto [draws, orders] : {std::pair{false, false}, {false, true}, {true, false}, {true, true}})
                for (const std::vector<int>& segments :
                     {std::vector<int>{}, {1}, {5, 1, 9}, std::vector<int>(40, 7), {0, 3, 0, 0, 4}}) {
                    INFO(devices << " devices, " << decoders << " decoders, " << helpers << " beside them, draws "
                                 << draws << ", orders " << orders << ", " << segments.size() << " segments");
                    FakeDevices fake(devices);
                    Script script;
                    script.segments = segments;
                    Recorder recorder(1);
                    recorder.draws = draws, recorder.orders = orders;
                    SchedulerOptions options = few_threads(decoders);
                    options.cpu_decoders = helpers;
                    const RunReport report = run(fake, {run_input(script)}, recorder, options);
                    const Recorder::Seen& seen = recorder.inputs[0];
                    CHECK(seen.numbers == numbers_from(0, total(script)));
                    CHECK(recorder.sound());
                    CHECK(recorder.events == std::vector<std::string>{"begin 0", "end 0"});
                    REQUIRE(seen.end);
                    CHECK(seen.end->frames == total(script));
                    CHECK(seen.end->segments == std::int64_t(segments.size()));
                    CHECK(seen.end->damaged == std::int64_t(segments.size() > 1));
                    CHECK(seen.end->fallbacks == std::int64_t(segments.size() > 2));
                    CHECK(recorder.works == (draws ? int(segments.size()) : 0));
                    for (std::size_t i = 0; i < seen.times.size(); ++i)
                        REQUIRE(std::fabs(seen.times[i] - .1 * double(i)) < 1e-9);
                    CHECK_FALSE(report.stopped);
                    CHECK(report.repeated_segments == 0);
                    std::int64_t frames = 0, cut = 0;
                    for (const DeviceReport& d : report.devices) frames += d.frames, cut += d.segments;
                    CHECK(frames == total(script));
                    CHECK(cut == std::int64_t(segments.size()));
                    CHECK(report.latency.count == std::size_t(total(script)));
                }
}

TEST_CASE("inputs of a lane come out one after the other, lanes side by side", "[scheduler]") {
    FakeDevices fake(2);
    std::vector<RunInput> inputs;
    std::vector<Script> scripts(6);
    for (int i = 0; i < 6; ++i) {
        scripts[std::size_t(i)].segments = std::vector<int>(std::size_t(i) % 4, 5);
        scripts[std::size_t(i)].first_number = 1000 * i;
        inputs.push_back(run_input(scripts[std::size_t(i)], i % 2));
    }
    for (const bool orders : {false, true}) {
        Recorder recorder(6);
        recorder.draws = recorder.orders = orders;
        run(fake, inputs, recorder);
        for (int i = 0; i < 6; ++i) {
            CHECK(recorder.inputs[std::size_t(i)].numbers == numbers_from(1000 * i, total(scripts[std::size_t(i)])));
            CHECK(recorder.inputs[std::size_t(i)].end.has_value());
        }
        CHECK(recorder.sound());
        for (int lane : {0, 1}) {
            std::vector<std::string> events, expected;
            for (const std::string& e : recorder.events)
                if ((e.back() - '0') % 2 == lane) events.push_back(e);
            for (int i = lane; i < 6; i += 2)
                for (const char* what : {"begin ", "end "}) expected.push_back(what + std::to_string(i));
            CHECK(events == expected);
        }
    }
}

TEST_CASE("lanes share the devices fairly: a short input does not wait for a long one", "[scheduler]") {
    FakeDevices fake(1);
    Script slow, quick;
    slow.segments = std::vector<int>(200, 8);
    quick.segments = std::vector<int>(20, 8);
    quick.first_number = 10000;
    slow.frame_time = quick.frame_time = std::chrono::microseconds(100);
    Recorder recorder(2);
    std::size_t slow_then = 0;
    recorder.on_result = [&](int input, Result&) {
        if (input == 1) slow_then = recorder.inputs[0].numbers.size();
    };
    run(fake, {run_input(slow, 0), run_input(quick, 1)}, recorder);
    INFO("when the short input ended, the long one had " << slow_then << " of 1600 frames");
    CHECK(slow_then < 1200);
    CHECK(slow_then > 40);
    // Its batches were mixed: alone, no input fills a batch of 4 while 3 threads take turns.
    CHECK(recorder.sound());
}

TEST_CASE("parts of one decoding go through one piece of work, with all threads", "[scheduler]") {
    FakeDevices fake(3);
    Script script;
    script.segments = std::vector<int>(30, 6);
    script.kind = SegmentKind::first_part;
    for (const bool orders : {false, true}) {
        Recorder recorder(1);
        recorder.draws = true;
        recorder.orders = orders;
        run(fake, {run_input(script)}, recorder);
        CHECK(recorder.inputs[0].numbers == numbers_from(0, 180));
        CHECK(recorder.works == 1);
        CHECK(recorder.work_threads == std::vector<int>{3});
        CHECK(recorder.sound());
    }
}

TEST_CASE("as many segments are drawn at once as there are cores, or fewer with more threads each", "[scheduler]") {
    FakeDevices fake(2);
    Script script;
    script.segments = std::vector<int>(60, 5);
    script.frame_time = std::chrono::milliseconds(1);
    SchedulerOptions options = few_threads(2, 11);
    options.as_needed = true;
    const auto threads_of = [&](std::int64_t frames_estimate) {
        Recorder recorder(1);
        recorder.draws = true;
        script.frames_estimate = frames_estimate;
        *script.readers = 0;
        run(fake, {run_input(script)}, recorder, options);
        CHECK(recorder.inputs[0].numbers == numbers_from(0, 300));
        CHECK(recorder.sound());
        return recorder.work_threads;
    };
    std::vector<int> expected(60, 1);
    CHECK(threads_of(0) == expected);  // nobody knows how many there will be
    CHECK(*script.readers > 4);        // beside the two of each device
    CHECK(*script.readers <= 12);
    for (int left = 10; left > 0; --left) expected[std::size_t(60 - left)] = left > 5 ? 2 : left > 3 ? 3 : 4;
    CHECK(threads_of(300) == expected);
    expected.assign(60, 4);  // of three segments, as far as anybody knows
    CHECK(threads_of(15) == expected);
    CHECK(threads_of(2) == std::vector<int>(60, 11));
    options.as_needed = false;
    CHECK(threads_of(0) == std::vector<int>(60, 3));
    CHECK(*script.readers <= 4);
}

TEST_CASE("readers are kept from segment to segment of an input", "[scheduler]") {
    FakeDevices fake(1);
    Script script;
    script.segments = std::vector<int>(50, 3);
    Recorder recorder(1);
    run(fake, {run_input(script)}, recorder, few_threads(2));
    CHECK(*script.readers <= 2);
}

TEST_CASE("readers that are ready, and those of inputs of the same kind, are adopted", "[scheduler]") {
    for (const bool adopts : {true, false}) {
        INFO("adopts " << adopts);
        FakeDevices fake(1);
        Script a, b, ready;
        a.segments = b.segments = std::vector<int>(6, 5);
        a.adopts = b.adopts = adopts;
        b.first_number = 100;
        FakeInput source(ready, {});
        for (const char* name : {"decoder 0", "decoder 1"})
            fake.backends[0]->ready.push_back({fake.backends[0]->make_seat(name), source.make_reader({})});
        Recorder recorder(2);
        run(fake, {run_input(a), run_input(b)}, recorder, few_threads(2));
        CHECK(recorder.inputs[0].numbers == numbers_from(0, 30));
        CHECK(recorder.inputs[1].numbers == numbers_from(100, 30));
        CHECK(recorder.sound());
        CHECK(fake.backends[0]->ready.empty());
        CHECK((*a.readers > 0) == !adopts);
        CHECK((*b.readers > 0) == !adopts);
    }
}

TEST_CASE("an input is closed while the next one is waited for", "[scheduler]") {
    // As where one program writes into two pipes, one after the other.
    struct Closing : FakeInput {
        Closing(const Script& script, std::stop_token cancel, std::atomic<bool>& flag)
            : FakeInput(script, std::move(cancel)), closed(flag) {}
        ~Closing() override { closed = true; }
        std::atomic<bool>& closed;
    };
    for (const int decoders : {1, 3}) {
        INFO(decoders << " decoders");
        FakeDevices fake(1);
        Script script;
        script.segments = std::vector<int>(6, 5);
        std::atomic<bool> closed = false, in_time = false;
        const RunInput first{[&](std::stop_token cancel) -> std::unique_ptr<Input> {
            return std::make_unique<Closing>(script, std::move(cancel), closed);
        }};
        const RunInput second{[&](std::stop_token cancel) -> std::unique_ptr<Input> {
            for (int i = 0; i < 5000 && !closed; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
            in_time = closed.load();
            return std::make_unique<FakeInput>(script, std::move(cancel));
        }};
        Recorder recorder(2);
        run(fake, {first, second}, recorder, few_threads(decoders));
        CHECK(in_time);
        CHECK(recorder.inputs[1].numbers == numbers_from(0, 30));
    }
}

TEST_CASE("nobody waits for decoders that are not ready when the run is over", "[scheduler]") {
    for (const bool stop_it : {false, true}) {
        FakeDevices fake(2);
        fake.backends[1]->never_ready = true;
        Script script;
        script.segments = std::vector<int>(20, 7);
        Recorder recorder(1);
        SchedulerOptions options = few_threads(2);
        const std::atomic<bool> stop = stop_it;
        in_time("a run whose decoders are never ready",
                [&] { Scheduler(fake.workers, {run_input(script)}, recorder, stop, options).run(); });
        if (!stop_it) CHECK(recorder.inputs[0].numbers == numbers_from(0, 140));
    }
}

TEST_CASE("decoders that nobody takes do not keep the CPU from helping", "[scheduler]") {
    FakeDevices fake(1);
    Script script;
    script.segments = std::vector<int>(40, 10);
    script.adopts = true;
    script.frame_time = std::chrono::milliseconds(2);
    FakeInput source({}, {});
    for (int i = 0; i < 8; ++i)
        fake.backends[0]->ready.push_back({fake.backends[0]->make_seat("decoder"), source.make_reader({})});
    Recorder recorder(1);
    recorder.on_result = [&](int, Result& result) {
        if (result.frame.index == 0) CHECK(*script.readers == 0);  // what the decoders can do is seen first
    };
    SchedulerOptions options = few_threads(2);
    options.cpu_decoders = 2;
    run(fake, {run_input(script)}, recorder, options);
    CHECK(recorder.inputs[0].numbers == numbers_from(0, 400));
    CHECK(fake.backends[0]->ready.size() == 6);
    CHECK(*script.readers > 0);  // the helpers', since the decoders' are adopted
}

TEST_CASE("an endless input has a thread of its own and does not hold files up", "[scheduler]") {
    FakeDevices fake(2);
    Script camera, file;
    camera.segments = {40};
    camera.kind = SegmentKind::endless;
    camera.frame_time = std::chrono::milliseconds(2);
    file.segments = std::vector<int>(20, 5);
    file.first_number = 5000;
    for (auto [draws, orders] : {std::pair{false, false}, {false, true}, {true, false}, {true, true}}) {
        Recorder recorder(3);
        recorder.draws = draws, recorder.orders = orders;
        run(fake, {run_input(camera, 0), run_input(file, 1), run_input(camera, 2)}, recorder, few_threads(1));
        CHECK(recorder.inputs[0].numbers == numbers_from(0, 40));
        CHECK(recorder.inputs[1].numbers == numbers_from(5000, 100));
        CHECK(recorder.inputs[2].numbers == numbers_from(0, 40));
        CHECK(recorder.sound());
    }
}

TEST_CASE("a camera's frame goes at once when nothing else is to be done", "[scheduler]") {
    FakeDevices fake(1, 8);
    Script camera;
    camera.segments = {10};
    camera.kind = SegmentKind::endless;
    camera.frame_time = std::chrono::milliseconds(5);
    Recorder recorder(1);
    run(fake, {run_input(camera)}, recorder);
    for (int batch : fake.backends[0]->batches()) CHECK(batch <= 3);
}

TEST_CASE("results that wait for their turn are bounded: a slow reader stops the decoders", "[scheduler]") {
    constexpr int kDevices = 2, kDecoders = 4, kBatch = 4, kSlots = 2, kResults = 200;
    constexpr std::size_t kResultBytes = 256 + sizeof(Detection);  // each has one box
    FakeDevices fake(kDevices, kBatch, kSlots);
    Script script;
    script.segments = std::vector<int>(400, 20);
    SchedulerOptions options = few_threads(kDecoders);
    options.result_bytes = kResults * kResultBytes;
    Recorder recorder(1);
    int read = 0;
    recorder.on_result = [&](int, Result& result) {
        if (result.frame.index != 3) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        read = script.frames->read;
    };
    run(fake, {run_input(script)}, recorder, options);
    CHECK(recorder.inputs[0].numbers == numbers_from(0, 8000));
    // What waits and one too many, what the reader has taken, a frame in the hands of each decoder, and what the
    // devices have: once when the bound is reached, once more of the first segment, which goes on until it has a result
    // waiting.
    const int in_devices = kDevices * kBatch * (kSlots + 1);
    CHECK(read <= kResults + 1 + 4 + kDevices * kDecoders + 2 * in_devices);
    CHECK(script.frames->living == 0);
}

TEST_CASE("pixels that are kept are bounded by the device, whatever the segments and a slow encoder", "[scheduler]") {
    constexpr int kKept = 10, kDecoders = 3;
    constexpr std::size_t kPixelBytes = 3;  // of a frame
    for (SegmentKind kind : {SegmentKind::closed, SegmentKind::first_part, SegmentKind::endless})
        for (auto [devices, orders] : {std::pair{1, false}, {1, true}, {2, false}, {2, true}}) {
            INFO(devices << " devices, kind " << int(kind) << ", orders " << orders);
            FakeDevices fake(devices);
            Script script;
            script.segments = kind == SegmentKind::endless ? std::vector<int>{300} : std::vector<int>(30, 10);
            script.kind = kind;
            SchedulerOptions options = few_threads(kDecoders, 2);
            options.pixel_bytes = kKept * kPixelBytes;
            options.ordered_pixel_bytes = std::size_t(devices) * kKept * kPixelBytes;
            Recorder recorder(1);
            recorder.draws = true;
            recorder.orders = orders;
            recorder.work_time = std::chrono::milliseconds(1);
            in_time("drawing with a small budget", [&] { run(fake, {run_input(script)}, recorder, options); });
            CHECK(recorder.inputs[0].numbers == numbers_from(0, 300));
            CHECK(recorder.sound());
            // A frame of the part whose turn it is may come on top, and one is in the hands of each decoder.
            CHECK(script.frames->most <= devices * (kKept + kDecoders) + 1);
            CHECK(script.frames->living == 0);
        }
}

TEST_CASE("what goes wrong with one input is told in its end, and the others go on", "[scheduler]") {
    for (bool draws : {false, true}) {
        FakeDevices fake(2);
        Script good, unopened, uncut, unreadable;
        good.segments = uncut.segments = unreadable.segments = {4, 4, 4};
        unopened.open_error = "cannot be opened";
        unopened.open_error_kind = draws ? ErrorKind::unsupported : ErrorKind::input;
        uncut.cut_error = "cannot be cut any further";
        unreadable.unreadable_segment = 1;
        Recorder recorder(5);
        recorder.draws = draws;
        run(fake, {run_input(good), run_input(unopened), run_input(uncut), run_input(unreadable), run_input(good)},
            recorder);
        CHECK(recorder.inputs[0].end->error.empty());
        CHECK(recorder.inputs[1].end->error == "cannot be opened");
        CHECK(recorder.inputs[1].end->frames == 0);
        CHECK(recorder.inputs[2].end->error == "cannot be cut any further");
        CHECK(recorder.inputs[2].numbers == numbers_from(0, 12));
        CHECK(recorder.inputs[3].end->error == "unreadable");
        CHECK(recorder.inputs[3].end->frames == 9);
        CHECK(recorder.inputs[4].numbers == numbers_from(0, 12));
        CHECK(recorder.events == std::vector<std::string>{"begin 0", "end 0", "end 1", "begin 2", "end 2", "begin 3",
                                                          "end 3", "begin 4", "end 4"});
        CHECK(recorder.sound());
    }
}

TEST_CASE("the same engine runs again and again", "[scheduler]") {
    FakeDevices fake(2);
    Script script;
    script.segments = {10, 10, 10};
    for (int round = 0; round < 3; ++round) {
        Recorder recorder(1);
        const RunReport report = run(fake, {run_input(script)}, recorder);
        CHECK(recorder.inputs[0].numbers == numbers_from(0, 30));
        CHECK(report.devices[0].frames + report.devices[1].frames == 30);  // of this run alone
    }
}

TEST_CASE("decoders are warmed up beside threads that decode, once per reader and before its first segment",
          "[scheduler]") {
    FakeDevices fake(2);
    Script script;
    script.segments = std::vector<int>(200, 5);
    script.frame_time = std::chrono::microseconds(100);
    Recorder recorder(1);
    SchedulerOptions options = few_threads(3);
    options.cpu_decoders = 2;
    run(fake, {run_input(script)}, recorder, options);
    CHECK(recorder.inputs[0].numbers == numbers_from(0, 1000));
    CHECK(*script.warmed_up > 0);
    CHECK(*script.warmed_up <= 6);
    CHECK(*script.warmed_up_late == 0);
    // Whoever decodes beside them has nothing to warm up; without them nobody waits for anything.
    *script.warmed_up = 0;
    Recorder again(1);
    run(fake, {run_input(script)}, again, few_threads(3));
    CHECK(*script.warmed_up == 0);
}

TEST_CASE("the CPU helps while decoders are being made, once it is known what the first can do", "[scheduler]") {
    FakeDevices fake(1);
    Script script;
    script.segments = std::vector<int>(400, 10);
    script.adopts = true;
    script.frame_time = std::chrono::microseconds(100);
    FakeInput source({}, {});
    fake.backends[0]->ready.push_back({fake.backends[0]->make_seat("decoder"), source.make_reader({})});
    fake.backends[0]->never_ready = true;  // the other one
    Recorder recorder(1);
    SchedulerOptions options = few_threads(2);
    options.cpu_decoders = 1;
    options.first_decoder = std::chrono::hours(1);
    run(fake, {run_input(script)}, recorder, options);
    CHECK(*script.readers > 0);  // the helper's, since the decoder's is adopted
    CHECK(recorder.inputs[0].numbers == numbers_from(0, 4000));
}

TEST_CASE("the CPU takes a segment only if it is done before the GPU would be", "[scheduler]") {
    using By = DecodeRates::By;
    DecodeRates rates;
    CHECK(rates.cpu_helps(1, 0, 8));  // nothing is known
    {
        DecodeRates of_gpu;
        of_gpu.add(By::gpu, 30, .06, .06);
        CHECK(of_gpu.cpu_helps(2000, 0, 8));       // .5 s
        CHECK_FALSE(of_gpu.cpu_helps(900, 0, 8));  // .225 s, in which a CPU thread would not read a segment
        CHECK(of_gpu.cpu_helps(900, 0, 2));
    }
    for (int i = 0; i < 20; ++i) rates.add(By::cpu, 30, .2, .2);
    CHECK(rates.cpu_helps(1, 0, 8));
    CHECK(rates.cpu_helps(1, 0, 0));
    for (int i = 0; i < 20; ++i) rates.add(By::gpu, 30, .06, .06);  // 500 frames/s each, 4,000 from eight
    CHECK(rates.cpu_helps(1000, 0, 8));                             // .25 s
    CHECK_FALSE(rates.cpu_helps(700, 0, 8));                        // .175 s
    CHECK(rates.cpu_helps(700, 0, 4));
    CHECK_FALSE(rates.cpu_helps(1000, 14, 8));  // 210 of which are in segments that the CPU has
    CHECK_FALSE(rates.cpu_helps(-5, 0, 8));
    for (int i = 0; i < 60; ++i) rates.add(By::cpu, 30, .1, .1);  // faster segments, or cores that are idle now
    CHECK(rates.cpu_helps(700, 0, 8));
    CHECK_FALSE(rates.gpu_suffices(8, 0));  // of the network nothing is known
    CHECK(rates.gpu_suffices(8, 3900));
    CHECK_FALSE(rates.gpu_suffices(8, 4100));
    for (int i = 0; i < 60; ++i) rates.add(By::gpu, 30, .06, .03);  // half of the time they wait for the network
    CHECK(rates.gpu_suffices(8, 7900));
}
