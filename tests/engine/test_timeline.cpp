// SPDX-License-Identifier: MIT
#include "engine/run/timeline.h"

#include <cmath>
#include <limits>
#include <vector>

#include "tests/support/catch.h"

using namespace convoy;

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::vector<double> times_of(const std::vector<double>& stamps, const InputInfo& info) {
    Timeline timeline(info);
    std::vector<double> times;
    for (double stamp : stamps) {
        Frame frame;
        frame.time_s = stamp;
        timeline.number(frame);
        CHECK(frame.index == std::int64_t(times.size()));
        times.push_back(frame.time_s);
    }
    CHECK(timeline.frames() == std::int64_t(stamps.size()));
    return times;
}

std::vector<double> times_of(const std::vector<double>& stamps, int fps_num) {
    InputInfo info;
    info.fps_num = fps_num;
    return times_of(stamps, info);
}

void check(const std::vector<double>& stamps, int fps_num, const std::vector<double>& expected) {
    const std::vector<double> times = times_of(stamps, fps_num);
    REQUIRE(times.size() == expected.size());
    for (std::size_t i = 0; i < times.size(); ++i) {
        INFO("frame " << i << ": " << times[i] << ", expected " << expected[i]);
        CHECK(std::fabs(times[i] - expected[i]) < 1e-9);
    }
}

}  // namespace

TEST_CASE("times count from the first frame's stamp", "[timeline]") {
    check({100, 100.1, 100.5}, 10, {0, .1, .5});
    check({-2, -1.5, 3}, 10, {0, .5, 5});
}

TEST_CASE("a frame's time is the same to the last bit, wherever reading begins", "[timeline]") {
    InputInfo info;
    info.fps_num = 30000, info.fps_den = 1001;
    std::vector<double> stamps;  // of a transport stream
    for (int i = 0; i < 3000; ++i) stamps.push_back((126'000 + 3003 * i) / 90'000.);
    const std::vector<double> whole = times_of(stamps, info);
    CHECK(whole[1] == stamps[1] - stamps[0]);
    for (const std::size_t from : {1, 7, 250, 299, 2999}) {
        info.origin_s = stamps[0];
        info.start_s = stamps[from] - stamps[0];
        CHECK(times_of({stamps.begin() + std::ptrdiff_t(from), stamps.end()}, info) ==
              std::vector<double>(whole.begin() + std::ptrdiff_t(from), whole.end()));
    }
}

namespace {

/// Frames of 25 a second, every `step`-th of them, without those for which `lost` is true.
template <typename Lost>
MissingFrames missing_of(std::int64_t step, Lost lost, double jitter_s = 0) {
    InputInfo info;
    info.fps_num = 25, info.fps_den = int(step), info.frame_step = step, info.is_even = true;
    Timeline timeline(info);
    for (std::int64_t i = 0, kept = 0; i < 300; ++i) {
        if (lost(i) || kept++ % step != 0) continue;
        Frame frame;
        frame.time_s = 7 + double(i) / 25 + (i % 2 ? jitter_s : 0);
        timeline.number(frame);
    }
    return timeline.missing().value();
}

}  // namespace

TEST_CASE("where frames of an even rate leave a gap, so many are missing", "[timeline]") {
    const auto none = [](std::int64_t) { return false; };
    for (const std::int64_t step : {1, 3}) {
        CHECK(missing_of(step, none).frames() == 0);
        const MissingFrames one = missing_of(step, [](auto i) { return i == 100; });
        CHECK((one.frames() == 1 && one.places() == 1 && one.first_frame() == 99));
    }
    const MissingFrames two = missing_of(1, [](auto i) { return (i > 49 && i < 73) || i == 200; });
    CHECK((two.frames() == 24 && two.places() == 2 && two.first_frame() == 49));
    InputInfo info;
    info.fps_num = 25, info.is_even = true;
    Timeline late(info);
    for (int i = 0; i < 200; ++i) {  // 60 to 69 are missing, 70 and 71 come behind 80
        Frame frame;
        frame.time_s = (i < 60 ? i : i < 69 ? i + 12 : i < 71 ? i + 1 : i + 10) / 25.;
        late.number(frame);
    }
    CHECK(late.missing()->frames() == 10);
    CHECK(missing_of(
              1, [](auto i) { return i == 100; }, .001)
              .frames() == 1);
    CHECK(missing_of(
              1, [](auto i) { return i == 100; }, .015)
              .frames() == 0);                                                     // no even rate
    CHECK(missing_of(1, [](auto i) { return i % 20 == 0; }).frames() == 0);        // a recorder's habit
    CHECK(missing_of(1, [](auto i) { return i > 50 && i < 250; }).frames() == 0);  // a pause
    CHECK(missing_of(1, [](auto i) { return i > 20 || i == 10; }).frames() == 0);  // too few to tell
    CHECK_FALSE(Timeline(InputInfo{}).missing());
}

TEST_CASE("time never steps back, and a wrong stamp is passed over", "[timeline]") {
    check({0, .1, .2, 37600.3, .4, .5}, 10, {0, .1, .2, .3, .4, .5});            // a spike
    check({0, .1, .2, 36000.3, 36000.4, 36000.5}, 10, {0, .1, .2, .3, .4, .5});  // a clock that was set
    check({50, 50.1, 50.2, 0, .1, .2}, 10, {0, .1, .2, .3, .4, .5});             // a recording behind another
    check({0, .1, .2, 30.2, 30.3}, 10, {0, .1, .2, 30.2, 30.3});                 // nothing moved for half a minute
    check({0, .3, .1, .2, .4, .5}, 10, {0, .3, .3, .3, .4, .5});                 // not in order
    check({0, .1, .1, .1, .2}, 10, {0, .1, .1, .1, .2});
    check({kNone, .1, kNone, 90000, kNone}, 10, {0, .1, .2, .3, .4});
    check({0, 4000, 8000}, 0, {0, .04, .08});
    InputInfo hourly;
    hourly.fps_num = 1, hourly.fps_den = 7200;
    Timeline slow(hourly);
    Frame frame;
    for (int i = 0; i < 3; ++i) {
        frame.time_s = 7200. * i;
        slow.number(frame);
        CHECK(frame.time_s == 7200. * i);
    }
    CHECK(slow.steps().count == 0);
}

TEST_CASE("where stamps may begin anew, a shorter leap is wrong, and is told", "[timeline]") {
    InputInfo info;
    info.fps_num = 10;
    info.longest_gap_s = 10;
    Timeline timeline(info);
    std::vector<double> times;
    for (const double stamp : {1., 1.1, 31.2, 1.3, 1.4}) {
        Frame frame;
        frame.time_s = stamp;
        timeline.number(frame);
        CHECK(frame.pts_s == stamp);
        times.push_back(frame.time_s);
    }
    for (std::size_t i = 0; i < times.size(); ++i) CHECK(std::fabs(times[i] - .1 * double(i)) < 1e-9);
    CHECK(timeline.steps().count == 2);  // there and back
    CHECK(timeline.steps().first_frame == 2);
    CHECK(std::fabs(timeline.steps().first_s - 30) < 1e-9);
}

TEST_CASE("where stamps stand still, time goes on at the frame rate, and it is told", "[timeline]") {
    const auto told = [](const std::vector<double>& stamps) {
        InputInfo info;
        info.fps_num = 10;
        Timeline timeline(info);
        std::vector<double> times;
        for (const double stamp : stamps) {
            Frame frame;
            frame.time_s = stamp;
            timeline.number(frame);
            times.push_back(frame.time_s);
        }
        return std::pair(times, timeline.steps());
    };
    std::vector<double> still(20, 7.), least, by_second;
    for (int i = 0; i < 20; ++i) least.push_back(7 + i * 1e-5);  // what a muxer makes of the same
    for (int i = 0; i < 30; ++i) by_second.push_back(i / 10);    // one stamp for each second
    for (const auto& stamps : {still, least}) {
        const auto [times, steps] = told(stamps);
        CHECK(std::fabs(times.back() - 1.4) < 1e-3);  // five that might be a wrong order, and fourteen
        CHECK((steps.still == 14 && steps.first_still == 6 && steps.count == 0));
    }
    const auto [times, steps] = told(by_second);
    for (int second = 0; second < 3; ++second) CHECK(std::fabs(times[std::size_t(second) * 10] - second) < 1e-9);
    CHECK((steps.still == 12 && steps.count == 0));
    std::vector<double> stuck(20, .5);
    for (int i = 0; i < 5; ++i) stuck.push_back(.6 + i * .1);  // it goes on where it had stuck
    const auto [after, and_back] = told(stuck);
    CHECK(std::fabs(after.back() - 1.9) < 1e-9);
    CHECK((and_back.still == 14 && and_back.count == 1));
}

TEST_CASE("frames without a stamp go on at the frame rate", "[timeline]") {
    check({kNone, kNone, kNone}, 10, {0, .1, .2});
    check({kNone, kNone}, 0, {0, .04});
    check({5, kNone, 5.5, kNone}, 10, {0, .1, .5, .6});
    check({kNone, 7, 7.3}, 10, {0, .1, .4});
}

TEST_CASE("a part of a recording keeps its place in time, and frames between are counted", "[timeline]") {
    InputInfo info;
    info.fps_num = 5;
    info.start_s = 60;
    info.frame_step = 4;
    info.longest_gap_s = 10;
    Timeline timeline(info);
    for (int i = 0; i < 3; ++i) {
        Frame frame;
        frame.time_s = 61.4 + .2 * i;  // the container begins at 1.4
        timeline.number(frame);
        CHECK(frame.index == 4 * i);
        CHECK(std::fabs(frame.time_s - (60 + .2 * i)) < 1e-9);
    }
    CHECK(timeline.frames() == 3);
    CHECK(timeline.steps().count == 0);
    Frame back;
    back.time_s = 0;
    timeline.number(back);
    CHECK(std::fabs(back.time_s - 60.6) < 1e-9);
    CHECK(timeline.steps().first_frame == 12);
}
