// SPDX-License-Identifier: MIT
#include <sys/stat.h>

#include <string>
#include <vector>

#include <convoy/error.h>
#include "tests/support/catch.h"
#include "tests/tools/child.h"
#include "tools/metrics.h"

namespace convoy::test {
namespace {

using tools::Metrics;

Result result_of(double latency_ms, const std::vector<int>& classes) {
    Result result;
    result.latency_ms = latency_ms;
    for (const int id : classes) result.detections.push_back({id, .5f, {}});
    return result;
}

bool has(const std::string& text, const std::string& line) {
    UNSCOPED_INFO(text);
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("metrics count frames, boxes by class, latencies and inputs", "[metrics]") {
    Metrics metrics({"cpu, fp32", {"person", "a \"b\"\\\n\xff"}});
    metrics.begin_input(0, "in\"put\\1.mp4");
    metrics.begin_input(1, "two");
    metrics.result(0, result_of(1, {0, 1}));
    metrics.result(0, result_of(1.5, {0}), 4);
    Result odd = result_of(40000, {7});
    odd.frame.packet_at = std::chrono::steady_clock::now() - std::chrono::seconds(3600);
    odd.frame.undecodable = true, odd.not_finite = 3;
    metrics.result(1, odd);
    InputEnd end;
    end.dropped = 3, end.damaged = 2, end.error = "it broke off";
    metrics.end_input(1, end);
    const std::string text = metrics.text(5, true);
    for (const std::string line : {"convoy_running 1",
                                   "convoy_run_seconds 5",
                                   "convoy_frames_total 3",
                                   "convoy_dropped_frames_total 7",
                                   "convoy_input_dropped_frames_total{input=\"in\\\"put\\\\1.mp4\"} 4",
                                   "convoy_input_dropped_frames_total{input=\"two\"} 3",
                                   "convoy_undecodable_frames_total 1",
                                   "convoy_damaged_total 2",
                                   "convoy_not_finite_boxes_total 3",
                                   "convoy_inputs_open 1",
                                   "convoy_inputs_ended_total 1",
                                   "convoy_inputs_failed_total 1",
                                   "convoy_detections_total{class_id=\"0\",class=\"person\"} 2",
                                   "convoy_detections_total{class_id=\"1\",class=\"a \\\"b\\\"\\\\\\n\xef\xbf\xbd\"} 1",
                                   "convoy_detections_total{class_id=\"7\",class=\"7\"} 1",
                                   "convoy_frame_latency_seconds_bucket{le=\"0.001\"} 1",
                                   "convoy_frame_latency_seconds_bucket{le=\"0.0025\"} 2",
                                   "convoy_frame_latency_seconds_bucket{le=\"30\"} 2",
                                   "convoy_frame_latency_seconds_bucket{le=\"+Inf\"} 3",
                                   "convoy_frame_latency_seconds_sum 40.0025",
                                   "convoy_frame_latency_seconds_count 3",
                                   "convoy_packet_latency_seconds_bucket{le=\"30\"} 0",
                                   "convoy_packet_latency_seconds_count 1",
                                   "convoy_input_frames_total{input=\"in\\\"put\\\\1.mp4\"} 2",
                                   "convoy_input_detections_total{input=\"two\"} 1",
                                   "# TYPE convoy_frame_latency_seconds histogram"})
        CHECK(has(text, line));
    CHECK(text.find("mqtt") == std::string::npos);
    CHECK(has(metrics.text(6, false), "convoy_running 0"));
}

TEST_CASE("metrics of a thousand inputs are those of the first hundred, and an input named twice is one", "[metrics]") {
    Metrics metrics({"cpu, fp32", {}});
    for (int i = 0; i < 1000; ++i) {
        metrics.begin_input(i, std::to_string(i % 500) + ".jpg");
        metrics.result(i, result_of(1, {}));
        metrics.end_input(i, {});
    }
    const std::string text = metrics.text(1, true);
    CHECK(has(text, "convoy_frames_total 1000"));
    CHECK(has(text, "convoy_input_frames_total{input=\"0.jpg\"} 2"));
    CHECK(has(text, "convoy_input_frames_total{input=\"99.jpg\"} 2"));
    CHECK(text.find("100.jpg") == std::string::npos);
}

TEST_CASE("metrics say how busy each device was since the last time", "[metrics]") {
    std::vector<StageStats> stages = {{"cuda:0 network", 1, 1., 0, 0, 0},
                                      {"cuda:1 network", 1, .5, 0, 0, 0},
                                      {"cuda:1 post-process", 1, .25, 0, 0, 0}};
    Metrics metrics({"cuda:0,1 (x)", {}, [&] { return stages; }});
    std::string text = metrics.text(2, true);
    CHECK(has(text, "convoy_device_busy_ratio{device=\"cuda:0\"} 0.5"));
    CHECK(has(text, "convoy_device_busy_ratio{device=\"cuda:1\"} 0.25"));
    CHECK(has(text, "convoy_stage_seconds_total{device=\"cuda:1\",stage=\"post-process\"} 0.25"));
    stages[0].total_s = 2, stages[1].total_s = .5;
    text = metrics.text(4, true);
    CHECK(has(text, "convoy_device_busy_ratio{device=\"cuda:0\"} 0.5"));
    CHECK(has(text, "convoy_device_busy_ratio{device=\"cuda:1\"} 0"));
    CHECK(has(metrics.text(4.1, false), "convoy_device_busy_ratio{device=\"cuda:0\"} 0.5"));
    Metrics one({"cpu, fp32", {}, [] { return std::vector<StageStats>{{"network", 1, 1., 0, 0, 0}}; }});
    CHECK(has(one.text(4, true), "convoy_device_busy_ratio{device=\"cpu\"} 0.25"));
}

TEST_CASE("metrics have what --mqtt published", "[metrics]") {
    tools::BrokerTally tally;
    tally.kind = "mqtt";
    tally.published = 5, tally.dropped = 2, tally.reconnects = 1, tally.waiting = 3, tally.waiting_bytes = 400,
    tally.connected = true;
    Metrics metrics({"cpu", {}, {}, [&] { return std::vector{tally}; }});
    const std::string text = metrics.text(1, true);
    for (const std::string line :
         {"convoy_mqtt_published_total 5", "convoy_mqtt_dropped_total 2", "convoy_mqtt_reconnects_total 1",
          "convoy_mqtt_queue_messages 3", "convoy_mqtt_queue_bytes 400", "convoy_mqtt_connected 1"})
        CHECK(has(text, line));
}

TEST_CASE("a file of metrics is there at once and is replaced", "[metrics]") {
    const TemporaryFolder folder;
    const std::string path = folder / "convoy.prom";
    Metrics metrics({"cpu", {}});
    tools::MetricsFile file(path, metrics);
    CHECK(has(read_file(path), "convoy_running 1"));
    metrics.result(0, result_of(1, {}));
    CHECK(file.close().empty());
    CHECK(has(read_file(path), "convoy_running 0"));
    CHECK(has(read_file(path), "convoy_frames_total 1"));
    CHECK_THROWS_AS(tools::MetricsFile(folder / "none/convoy.prom", metrics), Error);
    CHECK_NOTHROW(tools::check_metrics_path(path));
    CHECK_THROWS_AS(tools::check_metrics_path("/dev/null"), Error);
    REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
    CHECK_THROWS_AS(tools::check_metrics_path(folder / "pipe"), Error);
}

}  // namespace convoy::test
