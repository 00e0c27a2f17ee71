// SPDX-License-Identifier: MIT
//
// Tracks of things whose ways are known. test_tracking.py has whole scenes.
#include <chrono>
#include <cmath>
#include <functional>
#include <random>
#include <set>

#include <convoy/error.h>
#include "tests/support/catch.h"
#include "tools/analysis/tracker.h"

using namespace convoy;
using analysis::Tracker;
using analysis::TrackerOptions;

namespace {

Detection seen(float x, float y, float confidence = .9f, int class_id = 0) {
    return {class_id, confidence, {x, y, 40, 80}, 0};
}

/// A tracker and its clock.
struct Input {
    explicit Input(const TrackerOptions& options = {}) : tracker(options), rate(options.frame_rate) {}
    /// The tracks of these detections, `step` frames later.
    std::vector<std::int64_t> frame(std::vector<Detection> detections, std::int64_t step = 1) {
        index += step;
        tracker.update(detections, index, rate > 0 ? double(index) / rate : 0);
        std::vector<std::int64_t> out;
        for (const Detection& d : detections) out.push_back(d.track);
        return out;
    }
    Tracker tracker;
    double rate;
    std::int64_t index = -1;
};

using Tracks = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("a thing is numbered when it is seen again, in the order of the detections") {
    Input input;
    CHECK(input.frame({}).empty());
    CHECK(input.frame({seen(0, 0), seen(300, 0)}) == Tracks{0, 0});
    CHECK(input.frame({seen(302, 1), seen(1, 0), seen(600, 0)}) == Tracks{1, 2, 0});
    CHECK(input.frame({seen(600, 2), seen(2, 0), seen(304, 2)}) == Tracks{3, 2, 1});
    CHECK(input.frame({}).empty());
    CHECK(input.frame({seen(3, 0)}) == Tracks{2});
}

TEST_CASE("false alarms take no numbers") {
    Input input;
    CHECK(input.frame({seen(0, 0)}) == Tracks{0});
    CHECK(input.frame({seen(500, 0)}) == Tracks{0});
    CHECK(input.frame({seen(0, 0)}) == Tracks{0});  // the second sight must follow at once
    CHECK(input.frame({seen(0, 0)}) == Tracks{1});
}

TEST_CASE("detections stay as they are, but for their tracks") {
    std::vector<Detection> detections = {
        {3, .7f, {1, 2, 3, 4}, 99}, {0, .2f, {5, 6, 0, 8}, 99}, {1, 0, {9, 9, 9, 9}, 9}};
    Tracker tracker;
    tracker.update(detections, 0, 0);
    REQUIRE(detections.size() == 3);
    CHECK((detections[0].class_id == 3 && detections[0].confidence == .7f && detections[0].box.w == 3));
    for (const Detection& d : detections) CHECK(d.track == 0);
}

TEST_CASE("things that cross keep their numbers") {
    Input input;
    Tracks last;
    for (int i = 0; i < 80; ++i) {
        // At i = 40 they are at one place, but for 10 pixels of height; there one of them is not seen for a while.
        const float way = 6.f * float(i);
        std::vector<Detection> detections = {seen(way, 100)};
        if (i < 36 || i > 44) detections.push_back(seen(480 - way, 110));
        last = input.frame(detections);
        if (i < 1) continue;
        CHECK(last[0] == 1);
        if (last.size() > 1) CHECK(last[1] == 2);
    }
}

TEST_CASE("a thing that hides gets its number again, until the buffer has passed") {
    TrackerOptions options;
    options.frame_rate = 25;
    options.buffer_s = 1;
    for (const auto& [hidden, number] : {std::pair{1, 1}, {10, 1}, {24, 1}, {25, 0}, {200, 0}}) {
        Input input(options);
        for (int i = 0; i < 30; ++i) input.frame({seen(4.f * float(i), 50)});
        for (int i = 0; i < hidden; ++i) input.frame({});
        INFO(hidden << " frames hidden");
        CHECK(input.frame({seen(4.f * float(30 + hidden), 50)}) == Tracks{number});
    }
}

TEST_CASE("an unsure detection keeps a track and begins none") {
    Input input;
    input.frame({seen(0, 0)});
    CHECK(input.frame({seen(2, 0)}) == Tracks{1});
    for (int i = 2; i < 100; ++i)
        CHECK(input.frame({seen(2.f * float(i), 0, .12f), seen(500, 0, .3f)}) == Tracks{1, 0});
    CHECK(input.frame({seen(200, 0, .09f)}) == Tracks{0});  // below `low`
    // From `high` to `start`: holds a track, begins none.
    CHECK(input.frame({seen(202, 0, .55f), seen(500, 0, .55f)}) == Tracks{1, 0});
    CHECK(input.frame({seen(500, 0, .9f)}) == Tracks{0});
}

TEST_CASE("sure detections have the first choice") {
    Input input;
    input.frame({seen(0, 0)});
    input.frame({seen(0, 0)});
    // The unsure one overlaps more.
    CHECK(input.frame({seen(0, 0, .3f), seen(10, 0, .9f)}) == Tracks{0, 1});
}

TEST_CASE("a track keeps to its class") {
    Input input;
    input.frame({seen(0, 0, .9f, 0), seen(2, 0, .9f, 1)});
    CHECK(input.frame({seen(1, 0, .9f, 1), seen(1, 0, .9f, 0)}) == Tracks{1, 2});
    CHECK(input.frame({seen(1, 0, .9f, 0)}) == Tracks{2});
    CHECK(input.frame({seen(1, 0, .9f, 2)}) == Tracks{0});
    CHECK(input.frame({seen(1, 0, .9f, 1)}) == Tracks{1});
}

TEST_CASE("over frames that are skipped, a track is where it went by then") {
    for (const double rate : {0., 25.}) {
        for (const int step : {1, 3, 5, 60}) {
            TrackerOptions options;
            options.frame_rate = rate;
            Input input(options);
            // 15 pixels from sight to sight at most let the first ones meet; then 36, nearly the width, come by speed.
            float x = 0, speed = 15;
            input.frame({seen(x, 0)});
            Tracks tracks;
            for (int i = 0; i < 30; ++i, speed = std::min(36.f, speed + 1)) {
                x += speed;
                INFO("every " << step << ", sight " << i << ", rate " << rate);
                CHECK(input.frame({seen(x, 0)}, step) == Tracks{1});
            }
        }
    }
}

TEST_CASE("who is missed on one of frames that are far apart is forgotten") {
    Input input;  // a buffer of 30 frames
    for (const auto& [step, number] : {std::pair{60, 0}, {15, 2}}) {
        input.frame({seen(0, 0)}, step);
        const Tracks tracks = input.frame({seen(0, 0)}, step);
        input.frame({}, step);
        CHECK(input.frame({seen(0, 0)}, step) == Tracks{number});
        CHECK(tracks == Tracks{number == 0 ? 1 : 2});
        input.frame({}, 1000), input.frame({}, 1000);
    }
}

TEST_CASE("what grows until it hides is looked for at the size that it had") {
    TrackerOptions options;
    options.iou_high = .6;
    Input input(options);
    Detection thing = seen(300, 300);
    for (int i = 0; i < 20; ++i) {
        input.frame({thing});
        thing.box = {thing.box.x - 2, thing.box.y - 4, thing.box.w + 4, thing.box.h + 8};
    }
    for (int i = 0; i < 28; ++i) input.frame({});
    CHECK(input.frame({thing}) == Tracks{1});
}

TEST_CASE("the same way is the same track, frame by frame or with frames left out") {
    // Eleven frames later, at the speed that it had: only a prediction over all of them finds it.
    for (const bool all : {true, false}) {
        Input input;
        for (int i = 0; i < 40; ++i) input.frame({seen(7.f * float(i), 0)});
        if (all)
            for (int i = 0; i < 10; ++i) input.frame({});
        CHECK(input.frame({seen(7.f * 50, 0)}, all ? 1 : 11) == Tracks{1});
    }
}

TEST_CASE("a jump in time counts as frames that were lost") {
    TrackerOptions options;
    options.frame_rate = 25;
    Tracker tracker(options);
    const auto at = [&](std::int64_t index, double time_s, float x) {
        std::vector<Detection> detections = {seen(x, 0)};
        tracker.update(detections, index, time_s);
        return detections[0].track;
    };
    for (int i = 0; i < 40; ++i) at(i, i / 25., 7.f * float(i));
    CHECK(at(40, 50 / 25., 7.f * 50) == 1);         // ten frames were lost
    CHECK(at(41, 50 / 25. + 3600, 7.f * 50) == 0);  // an hour was
    CHECK(at(42, 50 / 25. + 3600, 7.f * 50) == 2);  // time stands still
    CHECK(at(43, 10, 7.f * 50) == 2);               // or runs back
    CHECK(at(44, 1e300, 7.f * 50) == 0);
    CHECK(at(45, 1e300, 7.f * 50) == 3);
    CHECK(at(-5, 0, 7.f * 50) == 3);
}

TEST_CASE("a camera that tells the rate of its clock is followed by frame numbers") {
    TrackerOptions options;
    options.frame_rate = 90000;
    Tracker tracker(options);
    for (int i = 0; i < 100; ++i) {
        std::vector<Detection> detections = {seen(float(i), 0), seen(300, 0)};
        if (i == 50) detections.pop_back();
        tracker.update(detections, i, i / 25.);
        if (i > 0) CHECK((detections[0].track == 1 && detections.back().track == (i == 50 ? 1 : 2)));
    }
}

TEST_CASE("boxes without area and huge ones are no trouble") {
    Input input;
    for (int i = 0; i < 50; ++i) {
        const Tracks tracks = input.frame({{0, .9f, {0, 0, 3e38f, 3e38f}, 0},
                                           {0, .9f, {5, 5, 0, 10}, 0},
                                           {0, .9f, {5, 5, 10, 0}, 0},
                                           {0, .9f, {-3e38f, 0, 1e-38f, 3e38f}, 0},
                                           seen(10, 10)});
        CHECK((tracks[1] == 0 && tracks[2] == 0));
        if (i > 0) CHECK(tracks[0] == 1);
        if (i > 0) CHECK(tracks[4] != 0);
    }
}

TEST_CASE("the same detections bring the same tracks, each number one thing of a frame") {
    const auto run = [] {
        std::mt19937 random(11);
        Input input;
        std::vector<Tracks> out;
        for (int i = 0; i < 60; ++i) {
            std::vector<Detection> detections;
            for (unsigned n = random() % 120; n > 0; --n)
                detections.push_back(
                    seen(float(random() % 500), float(random() % 300), float(random() % 100) / 100, int(random() % 3)));
            out.push_back(input.frame(detections, 1 + random() % 3));
        }
        return out;
    };
    const std::vector<Tracks> first = run();
    CHECK(run() == first);
    for (const Tracks& tracks : first) {
        std::set<std::int64_t> numbers;
        for (const std::int64_t track : tracks)
            if (track) CHECK(numbers.insert(track).second);
    }
}

TEST_CASE("a thousand boxes of a crowd do not hold a run up") {
    std::mt19937 random(2);
    std::vector<Detection> crowd;
    for (int i = 0; i < 1000; ++i) crowd.push_back(seen(float(random() % 400), float(random() % 300)));
    Input input;
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 5; ++i) {
        for (Detection& d : crowd) d.box.x += float(random() % 5), d.box.y += float(random() % 5);
        input.frame(crowd);
    }
    // All of them are one island. Seconds would be cubes of a thousand.
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
}

TEST_CASE("options out of range are refused by name") {
    const auto complaint = [](const std::function<void(TrackerOptions&)>& change) -> std::string {
        TrackerOptions options;
        change(options);
        try {
            const Tracker tracker(options);
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::usage);
            return error.what();
        }
        return "";
    };
    CHECK(complaint([](TrackerOptions&) {}).empty());
    CHECK(complaint([](TrackerOptions& o) { o.high = 1.5; }) == "TrackerOptions::high is 1.5; it must be from 0 to 1");
    CHECK(complaint([](TrackerOptions& o) { o.low = .6; }).find("::low") != std::string::npos);
    CHECK(complaint([](TrackerOptions& o) { o.start = .3; }).find("::start") != std::string::npos);
    CHECK(complaint([](TrackerOptions& o) { o.buffer_s = -1; }).find("::buffer_s") != std::string::npos);
    CHECK(complaint([](TrackerOptions& o) { o.frame_rate = NAN; }).find("::frame_rate") != std::string::npos);
}
