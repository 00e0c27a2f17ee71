// SPDX-License-Identifier: MIT
#include "engine/stage_stats.h"

#include <cmath>

#include "tests/support/catch.h"

using namespace convoy;

TEST_CASE("stage statistics are nearest-rank percentiles", "[stats]") {
    StageClock clock("decode");
    for (int i = 100; i >= 1; --i) clock.add(std::chrono::milliseconds(i));
    const StageStats s = clock.stats();
    CHECK(s.name == "decode");
    CHECK(s.count == 100);
    CHECK(std::fabs(s.total_s - 5.05) < 1e-6);
    CHECK(s.median_ms == 50.0);
    CHECK(s.p95_ms == 95.0);
    CHECK(s.p99_ms == 99.0);
}

TEST_CASE("a stage that did nothing has no percentiles", "[stats]") {
    const StageStats s = StageClock("idle").stats();
    CHECK(s.count == 0);
    CHECK(s.total_s == 0);
    CHECK(s.p99_ms == 0);
}

TEST_CASE("one sample is every percentile", "[stats]") {
    StageClock clock("one");
    clock.add(std::chrono::milliseconds(3));
    CHECK(clock.stats().median_ms == 3.0);
    CHECK(clock.stats().p99_ms == 3.0);
}
