// SPDX-License-Identifier: MIT
#include "tools/run_charts.h"

#include <numeric>

#include "tests/support/catch.h"
#include "tests/support/data.h"
#include "tests/tools/child.h"
#include "tools/report_html.h"

using namespace convoy;
using namespace convoy::tools;

namespace {

std::int64_t sum(const std::vector<std::int64_t>& counts) {
    return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

Result frame(double time_s, std::vector<Detection> detections) {
    Result result;
    result.frame.time_s = time_s;
    result.frame.pixels.width = 640, result.frame.pixels.height = 360;
    result.detections = std::move(detections);
    return result;
}

}  // namespace

TEST_CASE("ten hours take the bins of two minutes, and no box is lost", "[charts]") {
    TimeBins bins;
    for (int s = 0; s < 36000; ++s) bins.add(s, s % 2);
    CHECK(bins.bin_s() == 512);
    REQUIRE(bins.counts().size() == 2);
    CHECK(bins.counts()[0].size() == TimeBins::kBins);
    CHECK((sum(bins.counts()[0]) == 18000 && sum(bins.counts()[1]) == 18000));
    CHECK(bins.counts()[0][0] == 256);
    bins.add(0, 1 << 30);
    CHECK(bins.counts().size() == TimeBins::kClasses + 1);
    for (const double odd : {-1., 0. / 0., 1e300}) bins.add(odd, 0);
    CHECK(sum(bins.counts()[0]) == 18000);
}

TEST_CASE("a heat map counts the boxes over each place, whatever lies outside", "[charts]") {
    InputCharts charts;
    charts.add(frame(0, {{0, .5f, {0, 0, 320, 360}}, {0, .5f, {-500, -500, 9000, 9000}}, {0, .5f, {700, 10, 5, 5}}}));
    CHECK(charts.heat.front() == 2);
    CHECK(charts.heat.back() == 1);
}

TEST_CASE("latencies of all sizes have a bin", "[charts]") {
    LatencyBins bins;
    for (const double ms : {0., 1e-9, .9, 1.1, 1e12}) bins.add(ms);
    CHECK(std::accumulate(bins.counts.begin(), bins.counts.end(), std::int64_t{0}) == 5);
    CHECK(bins.counts[LatencyBins::kZero] == 1);
    CHECK(LatencyBins::end_ms(LatencyBins::kZero + 1) == 2);
}

TEST_CASE("the page needs nothing else, and no name is taken for markup", "[charts]") {
    const test::TemporaryFolder folder;
    test::write_file(folder / "s.jpg", "abcd");
    RunSummary summary;
    auto charts = std::make_shared<InputCharts>();
    charts->add(frame(1, {{0, .5f, {10, 10, 100, 100}}, {7, .5f, {10, 10, 100, 100}}}));
    charts->counts = "door <1> 2 in";
    InputSummary& input = summary.inputs.emplace_back();
    input.path = "<script>.mp4", input.charts = charts;
    summary.latencies.add(3);
    const std::string page = report_html(summary, "cpu & more", {"a<b"}, folder / "s.jpg");
    for (const char* part : {"&lt;script&gt;.mp4", "cpu &amp; more", "a&lt;b 1", "class 7 1", "door &lt;1&gt; 2 in",
                             "data:image/jpeg;base64,YWJjZA==", "</body></html>"})
        CHECK(page.find(part) != std::string::npos);
    for (const char* part : {"<script", "http://", "https://", "src=\"/", "nan"})
        CHECK(page.find(part) == std::string::npos);
    CHECK(report_html(summary, "cpu", {}, folder / "none.jpg").find("<img") == std::string::npos);
    CHECK(report_html({}, "cpu", {}, "").ends_with("</html>\n"));
}
