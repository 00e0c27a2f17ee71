// SPDX-License-Identifier: MIT
#include "tools/trace_file.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"

using namespace convoy;

TEST_CASE("a trace is JSON whatever its spans are called") {
    TraceSpan span;
    span.group = "say \"cpu\"";
    span.track = "back\\slash";
    span.name = "no UTF-8: \xff";
    const nlohmann::json trace = nlohmann::json::parse(tools::chrome_trace({span}));
    const nlohmann::json& events = trace.at("traceEvents");
    REQUIRE(events.size() == 4);
    CHECK(events[0]["args"]["name"] == span.group);
    CHECK(events[1]["args"]["name"] == span.track);
    CHECK(events[2]["name"] == "no UTF-8: \xef\xbf\xbd");
}
