// SPDX-License-Identifier: MIT
//
// Live inputs that keep to the newest frame.
#include <algorithm>

#include "engine/run/scheduler.h"
#include "tests/engine/fake_input.h"
#include "tests/support/catch.h"
#include "tests/support/in_time.h"

using namespace convoy;
using namespace convoy::test;

namespace {

constexpr auto kFrame = std::chrono::microseconds(200);

Script camera(int frames, int first_number = 0) {
    Script script;
    script.segments = {frames};
    script.kind = SegmentKind::endless;
    script.first_number = first_number;
    script.frame_time = kFrame;
    return script;
}

RunInput newest_of(const Script& script, int lane = 0) {
    RunInput input = run_input(script, lane);
    input.newest = true;
    return input;
}

/// Sees how far the input was ahead of each result, in frames.
class Follower : public Recorder {
public:
    Follower(std::size_t count, const Script& script) : Recorder(count), frames_(script.frames) {}
    void result(int input, Result& result) override {
        if (input == 0) {
            indices.push_back(result.frame.index);
            behind.push_back(frames_->read - result.frame.index);
        }
        numbers[std::size_t(input)].push_back(result.detections.at(0).class_id);
        times[std::size_t(input)].push_back(result.frame.time_s);
        if (tells.count()) std::this_thread::sleep_for(tells);
    }
    std::vector<std::int64_t> indices, behind;
    std::map<std::size_t, std::vector<int>> numbers;
    std::map<std::size_t, std::vector<double>> times;
    std::chrono::milliseconds tells{0};
    void work_done(int, SegmentWork& work) override { worked = static_cast<Work&>(work).numbers; }
    std::vector<int> worked;

private:
    std::shared_ptr<FrameCount> frames_;
};

}  // namespace

TEST_CASE("time begins at a camera's first frame, also where that one was dropped", "[newest]") {
    const auto stamped = [](double stamp_s) {
        NewestFrame::Decoded decoded;
        decoded.frame.time_s = stamp_s;
        return decoded;
    };
    NewestFrame newest;
    newest.open();
    CHECK(std::isnan(newest.first_stamp_s()));
    for (const double stamp_s : {7.0, 7.1, 7.2}) newest.put(stamped(stamp_s));
    const std::atomic<bool> stopping = false;
    std::optional<NewestFrame::Decoded> told = newest.take(stopping);
    REQUIRE(told);
    InputInfo info;
    info.fps_num = 10, info.fps_den = 1;
    Timeline timeline(info);
    timeline.number(told->frame, newest.first_stamp_s());
    CHECK(told->frame.index == 2);
    CHECK(std::fabs(told->frame.time_s - .2) < 1e-9);
    newest.put(stamped(7.3));
    told = newest.take(stopping);
    REQUIRE(told);
    timeline.number(told->frame, newest.first_stamp_s());
    CHECK(told->frame.index == 3);
    CHECK(std::fabs(told->frame.time_s - .3) < 1e-9);
}

TEST_CASE("a frame that a device did not live to see is dropped: no other can read its memory", "[newest]") {
    NewestFrame newest;
    newest.open();
    newest.put({});
    newest.close();
    newest.open();
    CHECK(newest.dropped() == 1);
    newest.close();
    CHECK_FALSE(newest.take(false));
}

TEST_CASE("no undecodable frame takes the place of one in tiles, nor the other way round", "[newest]") {
    NewestFrame newest;
    newest.open();
    NewestFrame::Decoded held;
    held.frame.undecodable = true;
    newest.put(held);
    Frame frame;
    NewestFrame::Clock::time_point at;
    newest.refresh(frame, at);
    CHECK_FALSE(frame.undecodable);
    newest.put({});
    newest.refresh(held.frame, at);
    CHECK(held.frame.undecodable);
}

TEST_CASE("a device that is slower than a camera gets its newest frames, and the others are counted", "[newest]") {
    for (const bool draws : {false, true}) {
        FakeDevices fake(1, 1);
        fake.backends[0]->work = std::chrono::milliseconds(4);
        const Script script = camera(1500);
        Follower follower(1, script);
        follower.draws = draws;
        const std::atomic<bool> stop = false;
        const RunReport report = in_time("a camera", [&] {
            return Scheduler(fake.workers, {newest_of(script)}, follower, stop, few_threads()).run();
        });
        REQUIRE(follower.inputs[0].end);
        const InputEnd& end = *follower.inputs[0].end;
        const auto told = std::int64_t(follower.indices.size());
        CHECK(told == end.frames);
        CHECK(end.frames + end.dropped == script.frames->read);
        CHECK(script.frames->read == 1500);
        CHECK(end.dropped > 100);
        CHECK(told > 10);
        CHECK(follower.indices.back() == 1499);  // the last of them has nobody to drop it
        // Each result is of the frame that its number says, at its time.
        for (std::size_t i = 0; i < follower.indices.size(); ++i) {
            REQUIRE(follower.numbers[0][i] == follower.indices[i]);
            REQUIRE(std::fabs(follower.times[0][i] - .1 * double(follower.indices[i])) < 1e-9);
            REQUIRE((i == 0 || follower.indices[i] > follower.indices[i - 1]));
        }
        if (draws) CHECK(follower.worked == follower.numbers[0]);
        // In a queue the last ones would be a thousand behind. A slow machine slows the camera down, too.
        std::sort(follower.behind.begin(), follower.behind.end());
        CHECK(follower.behind[follower.behind.size() / 2] < 500);
        CHECK(report.age.count == std::size_t(told));
        CHECK(report.packet_age.count == std::size_t(told));
        CHECK(report.packet_age.max_ms >= report.packet_age.median_ms);
        CHECK(report.packet_age.total_s >= report.age.total_s);
        CHECK(script.frames->living == 0);
        CHECK(script.living_readers->count() == 0);
        CHECK(script.frames->most <= 2 + NewestFrame::kMostUnderWay + 1);
    }
}

TEST_CASE("an observer or a work that is slower than a camera gets its newest frames", "[newest]") {
    for (const bool draws : {false, true}) {
        FakeDevices fake(1, 4);
        const Script script = camera(1000);
        Follower follower(1, script);
        follower.draws = draws;
        follower.tells = std::chrono::milliseconds(draws ? 0 : 3);
        follower.work_time = std::chrono::milliseconds(draws ? 3 : 0);
        const std::atomic<bool> stop = false;
        Scheduler(fake.workers, {newest_of(script)}, follower, stop, few_threads()).run();
        REQUIRE(follower.inputs[0].end);
        CHECK(follower.inputs[0].end->dropped > 100);
        CHECK(follower.inputs[0].end->frames + follower.inputs[0].end->dropped == 1000);
        CHECK(follower.indices.back() == 999);
    }
}

TEST_CASE("nothing is dropped of files, nor of a camera that is not to keep to the newest frame", "[newest]") {
    FakeDevices fake(1, 2);
    fake.backends[0]->work = std::chrono::milliseconds(1);
    Script file;
    file.segments = std::vector<int>(10, 10);
    const Script all = camera(100, 1000);
    Follower follower(3, file);
    const std::atomic<bool> stop = false;
    Script parts = file;
    parts.kind = SegmentKind::first_part;
    Scheduler(fake.workers, {newest_of(file), run_input(all, 1), newest_of(parts, 2)}, follower, stop, few_threads())
        .run();
    CHECK(follower.numbers[0] == numbers_from(0, 100));
    CHECK(follower.numbers[1] == numbers_from(1000, 100));
    CHECK(follower.numbers[2] == numbers_from(0, 100));
    for (const Recorder::Seen& seen : follower.inputs) CHECK(seen.end->dropped == 0);
}

TEST_CASE("cameras that keep to the newest frame share a device, and a stop ends them", "[newest]") {
    for (const bool orders : {false, true}) {
        FakeDevices fake(2, 3);
        for (FakeBackend* backend : fake.backends) backend->work = std::chrono::milliseconds(2);
        std::vector<RunInput> inputs;
        const Script script = camera(19000);
        for (int i = 0; i < 12; ++i) inputs.push_back(newest_of(script, i));
        Follower follower(12, script);
        follower.orders = follower.draws = orders;
        std::atomic<bool> stop = false;
        std::vector<int> told(12);
        follower.on_order = [&](int input, Result&) {
            ++told[std::size_t(input)];
            stop = stop || std::all_of(told.begin(), told.end(), [](int n) { return n >= 5; });
        };
        std::jthread ender;
        if (!orders)
            ender = std::jthread([&] {
                while (script.frames->read < 2000) std::this_thread::sleep_for(std::chrono::milliseconds(1));
                stop = true;
            });
        const RunReport report =
            in_time("a stop", [&] { return Scheduler(fake.workers, inputs, follower, stop, few_threads()).run(); });
        CHECK(report.stopped);
        CHECK(script.frames->living == 0);
        CHECK(script.living_readers->count() == 0);
        for (std::size_t i = 0; i < 12; ++i)
            CHECK(std::is_sorted(follower.numbers[i].begin(), follower.numbers[i].end()));
    }
}

TEST_CASE("a camera that keeps to the newest frame goes on on another device", "[newest]") {
    FakeDevices fake(2, 2);
    fake.backends[0]->die_at_run = 3;
    fake.backends[1]->work = std::chrono::milliseconds(1);
    const Script script = camera(500);
    Follower follower(1, script);
    const std::atomic<bool> stop = false;
    const RunReport report = in_time("a device that fails", [&] {
        return Scheduler(fake.workers, {newest_of(script)}, follower, stop, few_threads()).run();
    });
    CHECK(report.repeated_segments == 1);
    REQUIRE(follower.inputs[0].end);
    CHECK(follower.inputs[0].end->error.empty());
    CHECK(follower.numbers[0].back() == 499);
    CHECK(std::is_sorted(follower.indices.begin(), follower.indices.end()));
    CHECK(script.living_readers->count() == 0);
}

TEST_CASE("a camera that keeps to the newest frame and breaks tells its error behind its frames", "[newest]") {
    FakeDevices fake(1, 2);
    Script script = camera(10);
    script.unreadable_segment = 0;
    Follower follower(1, script);
    const std::atomic<bool> stop = false;
    Scheduler(fake.workers, {newest_of(script)}, follower, stop, few_threads()).run();
    REQUIRE(follower.inputs[0].end);
    CHECK(follower.inputs[0].end->error == "unreadable");
    CHECK(follower.numbers[0] == numbers_from(0, 1));
}

TEST_CASE("an observer gets the pixels of the frames that it wants a picture of, and no others are copied",
          "[newest]") {
    struct Viewer : Recorder {
        using Recorder::Recorder;
        bool wants_picture(int) override { return ++asked % 10 == 0; }
        void result(int, Result& result) override {
            numbers.push_back(result.detections.at(0).class_id);
            if (!result.frame.pixels.plane[0]) return;
            pictures += !result.frame.pixels.on_device && result.frame.owner &&
                        FakeBackend::number(result.frame.pixels) == numbers.back();
        }
        std::atomic<int> asked{0};
        int pictures = 0;
        std::vector<int> numbers;
    };
    for (const SegmentKind kind : {SegmentKind::closed, SegmentKind::endless})
        for (const bool draws : {false, true})
            for (const bool on_device : {false, true}) {
                INFO("endless " << (kind == SegmentKind::endless) << ", draws " << draws << ", on device "
                                << on_device);
                FakeDevices fake(1, 4);
                Script script;
                script.segments = kind == SegmentKind::closed ? std::vector<int>{50, 60, 90} : std::vector<int>{200};
                script.kind = kind;
                script.on_device = on_device;
                Viewer viewer(1);
                viewer.draws = draws;
                const std::atomic<bool> stop = false;
                in_time("a viewer", [&] {
                    return Scheduler(fake.workers, {run_input(script)}, viewer, stop, few_threads()).run();
                });
                CHECK(viewer.numbers == numbers_from(0, 200));
                CHECK(viewer.asked == 200);
                CHECK(viewer.pictures == 20);
                CHECK(fake.backends[0]->copied == (!on_device ? 0 : draws ? 200 : 20));
                CHECK(script.frames->living == 0);
            }
}
