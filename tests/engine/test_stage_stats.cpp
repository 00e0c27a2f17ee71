// SPDX-License-Identifier: MIT
#include <convoy/stage_stats.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/random.h"

using namespace convoy;

namespace {

bool within(double value, double expected) { return std::fabs(value - expected) <= .004 * expected; }

}  // namespace

TEST_CASE("stage statistics are nearest-rank percentiles", "[stats]") {
    StageClock clock("decode");
    for (int i = 100; i >= 1; --i) clock.add(std::chrono::milliseconds(i));
    const StageStats s = clock.stats();
    CHECK(s.name == "decode");
    CHECK(s.count == 100);
    CHECK(std::fabs(s.total_s - 5.05) < 1e-6);
    CHECK(within(s.median_ms, 50));
    CHECK(within(s.p95_ms, 95));
    CHECK(within(s.p99_ms, 99));
    CHECK(s.max_ms == 100);
}

TEST_CASE("percentiles are good to 0.4 % from nanoseconds to days", "[stats]") {
    for (double scale : {2e-4, .03, 1., 77., 5e4, 2e8}) {
        StageClock clock("any");
        std::vector<double> sorted;
        for (float f : test::random_floats(997, 7, .5f, 1.5f)) {
            clock.add(double(f) * scale);
            sorted.push_back(double(f) * scale);
        }
        std::sort(sorted.begin(), sorted.end());
        const StageStats s = clock.stats();
        INFO("scale " << scale << ": " << s.median_ms << ", exact " << sorted[498]);
        CHECK(within(s.median_ms, sorted[498]));
        CHECK(within(s.p95_ms, sorted[947]));
        CHECK(within(s.p99_ms, sorted[987]));
    }
}

TEST_CASE("a stage that did nothing has no percentiles", "[stats]") {
    StageClock clock("idle");
    for (int round = 0; round < 2; ++round) {
        const StageStats s = clock.stats();
        CHECK(s.count == 0);
        CHECK(s.total_s == 0);
        CHECK(s.p99_ms == 0);
        clock.add(1.);
        clock.clear();
    }
}

TEST_CASE("one sample is every percentile, exactly", "[stats]") {
    StageClock clock("one");
    clock.add(std::chrono::milliseconds(3));
    CHECK(clock.stats().median_ms == 3.0);
    CHECK(clock.stats().p99_ms == 3.0);
}
