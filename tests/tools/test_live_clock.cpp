// SPDX-License-Identifier: MIT
#include "tools/media/in/live_clock.h"

#include <cmath>
#include <limits>
#include <vector>

#include "tests/support/catch.h"
#include "tools/media/in/packet_times.h"
#include "tools/media/in/wall_clock.h"

using convoy::media::LiveClock;

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kFrame = .1;  // s

struct Came {
    double stamp_s, at_s;
};

/// Times of the frames that came over one connection after the other.
std::vector<double> times_of(const std::vector<std::vector<Came>>& connections) {
    LiveClock clock;
    std::vector<double> times;
    for (const std::vector<Came>& frames : connections) {
        clock.connect(kFrame);
        for (const Came& frame : frames) {
            const std::chrono::duration<double> at(frame.at_s);
            times.push_back(clock.time_of(
                frame.stamp_s, LiveClock::TimePoint(std::chrono::duration_cast<LiveClock::TimePoint::duration>(at))));
            CHECK(clock.last_s() == times.back());
        }
    }
    return times;
}

void check(const std::vector<double>& times, const std::vector<double>& expected) {
    REQUIRE(times.size() == expected.size());
    for (std::size_t i = 0; i < times.size(); ++i) {
        CAPTURE(i, times[i], expected[i]);
        CHECK(std::fabs(times[i] - expected[i]) < 1e-6);
        CHECK((i == 0 || times[i] > times[i - 1]));
    }
}

}  // namespace

TEST_CASE("live times are the stamps, however late frames come", "[live]") {
    check(times_of({{{5, 2}, {5.1, 2}, {5.2, 2.7}, {5.3, 2.7}, {15, 12}}}), {5, 5.1, 5.2, 5.3, 15});
    check(times_of({{{-.5, 0}, {-.4, .1}}}), {-.5, -.4});
}

TEST_CASE("live times go on by the clock over a gap, and stamps count from there", "[live]") {
    check(times_of({{{5, 0}, {5.1, .1}}, {{0, 7.1}, {.1, 9}, {.2, 9}}, {{900, 109}, {900.1, 110}}}),
          {5, 5.1, 12.1, 12.2, 12.3, 112.3, 112.4});
    // Servers whose first frame has no stamp; what libav has read ahead comes in one go.
    check(times_of({{{kNone, 0}, {.1, 2}, {.2, 2}}, {{kNone, 7}, {.1, 9}, {.2, 9}, {.3, 9}}}),
          {0, .1, .2, 5.2, 5.3, 5.4, 5.5});
    // Away for longer than what a recording's stamps may leap.
    check(times_of({{{5, 0}}, {{0, 8000}}}), {5, 8005});
}

TEST_CASE("stamps that step back or leap are followed by the clock", "[live]") {
    check(times_of({{{5, 0}, {0, .5}, {.1, .6}}}), {5, 5.5, 5.6});                       // a file in a loop
    check(times_of({{{5, 0}, {1e6, .5}, {1e6 + .1, .6}}}), {5, 5.5, 5.6});               // a clock that was set
    check(times_of({{{5, 0}, {1e4, 9990}, {1e4 + 5, 9990}}}), {5, 1e4, 1e4 + 5});        // and one that was not
    check(times_of({{{5, 0}, {5.2, .2}, {5.1, .2}, {5.3, .3}}}), {5, 5.2, 5.201, 5.3});  // a wrong order
    check(times_of({{{5, 0}, {5, 0}, {5, 0}}}), {5, 5.001, 5.002});
}

TEST_CASE("live frames without stamps go by the clock", "[live]") {
    check(times_of({{{kNone, 3}, {kNone, 3.2}, {kNone, 3.5}}, {{kNone, 8}, {kNone, 8.2}}}), {0, .2, .5, 5, 5.2});
    check(times_of({{{5, 0}, {kNone, .1}, {5.2, .2}}}), {5, 5.1, 5.2});
}

TEST_CASE("what has no frame lies among the times of those that have", "[live]") {
    const auto at = [](double s) {
        return LiveClock::TimePoint(
            std::chrono::duration_cast<LiveClock::TimePoint::duration>(std::chrono::duration<double>(s)));
    };
    LiveClock clock;
    clock.connect(kFrame);
    CHECK(std::isnan(clock.near(7, at(0))));
    clock.time_of(7, at(0));
    CHECK(std::fabs(clock.near(7.3, at(5)) - 7.3) < 1e-6);
    CHECK(std::fabs(clock.near(kNone, at(5)) - 12) < 1e-6);
    clock.connect(kFrame);
    CHECK(std::fabs(clock.near(900, at(5)) - 12) < 1e-6);
    clock.time_of(900, at(6));
    CHECK(std::fabs(clock.near(900.5, at(6.5)) - 13.5) < 1e-6);
}

TEST_CASE("the wall clock's time is the sender's where it tells that and has one", "[live]") {
    convoy::media::WallClock clock;
    const auto came = std::chrono::steady_clock::now();
    const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    const auto is = [&](double time_s, double expected_s) { return std::fabs(time_s - expected_s) < 60; };
    CHECK(is(clock.time_of(5, came), now));
    CHECK(is(clock.time_of(5, came - std::chrono::hours(1)), now - 3600));
    clock.see(now - 7200, 100);
    CHECK(clock.time_of(100, came) == now - 7200);
    CHECK(clock.time_of(130.5, came) == now - 7200 + 30.5);
    CHECK(is(clock.time_of(std::nan(""), came), now));
    clock.see(std::nan(""), 200);  // says nothing
    CHECK(clock.time_of(100, came) == now - 7200);
    clock.see(12345, 100);  // since it was switched on
    CHECK(is(clock.time_of(100, came), now));
    clock.see(now - 600, 100);
    clock.connect();
    CHECK(is(clock.time_of(100, came), now));
}

TEST_CASE("a picture came with its own packet, in whatever order packets are decoded", "[live]") {
    using convoy::media::PacketTimes;
    PacketTimes times;
    const auto at = [](int i) { return PacketTimes::TimePoint(std::chrono::seconds(i)); };
    times.connect();
    times.note(0, at(1)), times.note(3, at(2)), times.note(1, at(3)), times.note(2, at(4));
    CHECK(times.of(0) == at(1));
    CHECK(times.of(1) == at(3));
    CHECK(times.of(2) == at(4));
    CHECK(times.of(3) == at(2));
    CHECK(times.of(3) == at(4));  // no packet's stamp: that of the last one
    times.note(AV_NOPTS_VALUE, at(5));
    CHECK(times.of(AV_NOPTS_VALUE) == at(5));
    for (int i = 0; i < 1000; ++i) times.note(1000 + i, at(10 + i));  // none of which becomes a picture
    CHECK(times.of(1100) == at(1009));                                // forgotten
    CHECK(times.of(1900) == at(910));
    times.note(7, at(2000));
    times.connect();
    times.note(8, at(2001));
    CHECK(times.of(7) == at(2001));
}
