// SPDX-License-Identifier: MIT
#include "tools/run_charts.h"

#include <numeric>

#include <convoy/media/draw.h>
#include <convoy/media/image_converter.h>
#include "tests/support/catch.h"
#include "tests/support/data.h"
#include "tests/tools/child.h"
#include "tests/tools/media_files.h"
#include "tools/report_html.h"
#include "tools/report_view.h"

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

/// All frames of a video, and when they are shown.
std::vector<std::pair<double, media::Image>> frames_of(const std::string& path, const media::InputOptions& options) {
    std::vector<std::pair<double, media::Image>> frames;
    media::ImageConverter converter;
    const auto input = media::open_input(path, options);
    const auto reader = input->make_reader({});
    while (const auto segment = input->next_segment()) {
        reader->open(segment);
        while (const auto frame = reader->next()) {
            frames.emplace_back(frame->time_s, media::Image());
            converter.convert(frame->pixels, frames.back().second);
        }
    }
    return frames;
}

media::Image view_of(const std::string& video, const media::InputOptions& options, const InputCharts::View& view,
                     const std::vector<int>& blurred) {
    const test::TempFolder folder;
    const std::string jpeg = jpeg_of_view(video, options, view, blurred);
    test::write_bytes(folder / "v.jpg", {jpeg.begin(), jpeg.end()});
    return jpeg.empty() ? media::Image() : media::read_image(folder / "v.jpg");
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
    charts.add({},
               frame(0, {{0, .5f, {0, 0, 320, 360}}, {0, .5f, {-500, -500, 9000, 9000}}, {0, .5f, {700, 10, 5, 5}}}));
    CHECK(charts.heat.front() == 2);
    CHECK(charts.heat.back() == 1);
}

TEST_CASE("a heat map lies over a frame from a little behind the first", "[charts]") {
    InputCharts charts;
    for (std::int64_t i = 0; i < 200; ++i) {
        Result result = frame(double(i), {});
        result.frame.index = i, result.frame.pts_s = double(i) + .5, result.frame.undecodable = i == 64;
        charts.add({}, result);
    }
    REQUIRE(charts.view);
    CHECK((charts.view->index == 32 && charts.view->pts_s == 32.5));
}

TEST_CASE("that frame is read again as it was, or not at all", "[charts]") {
    const test::TempFolder folder;
    const std::string video = folder / "v.mp4";
    if (!test::make_video("-f lavfi -i testsrc2=size=320x240:rate=10,boxblur=4 -t 4 -g 10 -bf 2", video)) return;
    for (media::InputOptions options : {media::InputOptions{}, [] {
                                            media::InputOptions part;
                                            part.start_s = 1.2, part.every = 4, part.stop_s = 3.6;
                                            return part;
                                        }()}) {
        const std::int64_t index = options.every * 5;
        const auto wanted = frames_of(video, options).at(5);
        const std::vector<Detection> found = {{3, .9f, {40, 40, 100, 100}}, {5, .9f, {200, 100, 60, 60}}};
        const InputCharts::View view = {index, wanted.first, found};
        const media::Image plain = view_of(video, options, view, {});
        CHECK(test::psnr(plain, wanted.second) > 28);
        media::Image blurred = wanted.second;
        media::pixelate(blurred, found[0].box);
        CHECK(test::psnr(plain, blurred) < test::psnr(plain, wanted.second) - 2);
        const media::Image hidden = view_of(video, options, view, {3});
        CHECK(test::psnr(hidden, blurred) > 28);
        CHECK(test::psnr(hidden, wanted.second) < test::psnr(hidden, blurred) - 2);
        CHECK(jpeg_of_view(video, options, {index, wanted.first + .1, found}, {}).empty());
        CHECK(jpeg_of_view(video, options, {index + 1000, wanted.first, found}, {}).empty());
        CHECK(jpeg_of_view(folder / "none.mp4", options, view, {}).empty());
        CHECK(jpeg_of_view("/dev/zero", options, view, {}).empty());
    }
}

TEST_CASE("the frame behind a heat map has square pixels and is small", "[charts]") {
    const test::TempFolder folder;
    const std::string video = folder / "v.mp4";
    if (!test::make_video("-f lavfi -i testsrc2=size=720x576:rate=10 -t 1 -vf setsar=64/45", video)) return;
    const media::Image view = view_of(video, {}, {0, frames_of(video, {}).at(0).first, {}}, {});
    CHECK((view.width == 640 && view.height == 360));
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
    charts->add({}, frame(1, {{0, .5f, {10, 10, 100, 100}}, {7, .5f, {10, 10, 100, 100}}}));
    charts->counts = "door <1> 2 in";
    InputSummary& input = summary.inputs.emplace_back();
    input.path = "<script>.mp4", input.charts = charts, input.view = "view";
    summary.latencies.add(3);
    const std::string page = report_html(summary, "cpu & more", {"a<b"}, folder / "s.jpg");
    for (const char* part :
         {"&lt;script&gt;.mp4", "cpu &amp; more", "a&lt;b 1", "class 7 1", "door &lt;1&gt; 2 in",
          "data:image/jpeg;base64,YWJjZA==", "href=\"data:image/jpeg;base64,dmlldw==\"", "</body></html>"})
        CHECK(page.find(part) != std::string::npos);
    for (const char* part : {"<script", "http://", "https://", "src=\"/", "nan"})
        CHECK(page.find(part) == std::string::npos);
    input.view.clear();
    const std::string without = report_html(summary, "cpu", {}, folder / "none.jpg");
    CHECK((without.find("<im") == std::string::npos && without.find("class=heat") != std::string::npos));
    CHECK(report_html({}, "cpu", {}, "").ends_with("</html>\n"));
}
