// SPDX-License-Identifier: MIT
#include "engine/run/timeline.h"

#include <cmath>
#include <limits>
#include <vector>

#include "tests/support/catch.h"

using namespace convoy;

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::vector<double> times_of(const std::vector<double>& stamps, int fps_num) {
    InputInfo info;
    info.fps_num = fps_num;
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

TEST_CASE("frames without a stamp go on at the frame rate", "[timeline]") {
    check({kNone, kNone, kNone}, 10, {0, .1, .2});
    check({kNone, kNone}, 0, {0, .04});
    check({5, kNone, 5.5, kNone}, 10, {0, .1, .5, .6});
    check({kNone, 7, 7.3}, 10, {0, .1, .4});
}
