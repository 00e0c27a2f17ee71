// SPDX-License-Identifier: MIT
//
// yolo-run on several devices, with several inputs at once, and what it reports of them. The devices are CPUs: they
// share the cores, and the scheduler does not know them from GPUs.
#include <chrono>
#include <set>
#include <thread>

#include <signal.h>

#include <convoy/media/image.h>
#include "tests/support/catch.h"
#include "tests/tools/yolo_run_support.h"

using namespace convoy;
using namespace convoy::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

const Arguments kSmall = {"--size", "96", "--confidence", "0.05"};

Arguments with(Arguments a, const Arguments& more) {
    a.insert(a.end(), more.begin(), more.end());
    return a;
}

/// The records without what may differ: how long each frame took.
std::vector<std::string> timeless_records(const std::string& text) {
    std::vector<std::string> out;
    for (json r : records_in(text)) {
        r.erase("latency_ms");
        out.push_back(r.dump());
    }
    return out;
}

/// A second clip that is not like the first: its frames from the 100th on, in reverse keyframe order.
std::string other_clip(const TemporaryFolder& folder) {
    const std::string path = folder / "other.mp4";
    const Finished made = run(
        "/usr/bin/ffmpeg",
        {"-v", "error", "-y", "-ss", "3", "-i", clip(), "-c:v", "libx264", "-g", "12", "-threads", "1", "other.mp4"},
        folder.path());
    return made.status == 0 ? path : "";
}

}  // namespace

TEST_CASE("records are byte for byte the same on one device and on several, by any number of decoders, every time") {
    const TemporaryFolder folder;
    const auto records = [&](const Arguments& more) {
        const Finished finished = yolo_run(folder, with(with({clip(), "--jsonl", "-"}, kSmall), more));
        INFO(finished.err);
        REQUIRE(finished.status == 0);
        return timeless_records(finished.out);
    };
    // A thread for each device, so that all compute with the same kernels.
    const std::vector<std::string> expected = records({"--device", "cpu", "--threads", "1", "--decoders", "1"});
    REQUIRE(expected.size() == 240);
    CHECK(records({"--device", "cpu", "--threads", "1", "--decoders", "5"}) == expected);
    CHECK(records({"--device", "cpu:0,cpu:1", "--threads", "2"}) == expected);
    CHECK(records({"--device", "cpu:0,cpu:1", "--threads", "2"}) == expected);
    CHECK(records({"--device", "cpu:0,1,2", "--threads", "3", "--decoders", "3", "--video", "v.mp4"}) == expected);
    CHECK(frames_in_video(folder / "v.mp4") == 240);
}

TEST_CASE("frames in tiles: the same records on any devices, drawn on or not, and each frame counted once") {
    const TemporaryFolder folder;
    const Arguments tiled = with({clip(), "--frames", "60", "--tiles", "2x2+whole", "--jsonl", "-"}, kSmall);
    const auto records = [&](const Arguments& more) {
        const Finished finished = yolo_run(folder, with(tiled, more));
        INFO(finished.err);
        REQUIRE(finished.status == 0);
        return timeless_records(finished.out);
    };
    const std::vector<std::string> expected = records({"--device", "cpu", "--threads", "1", "--batch", "1"});
    REQUIRE(expected.size() == 60);
    std::size_t boxes = 0;
    for (const std::string& record : expected) boxes += json::parse(record)["detections"].size();
    CHECK(boxes > 0);
    CHECK(records({"--device", "cpu:0,cpu:1", "--threads", "2", "--batch", "3", "--report-json", "r.json"}) ==
          expected);
    CHECK(records({"--device", "cpu:0,1,2", "--threads", "3", "--decoders", "3", "--video", "v.mp4"}) == expected);
    CHECK(frames_in_video(folder / "v.mp4") == 60);
    const json report = json::parse(read_file(folder / "r.json"));
    CHECK(report["frames"] == 60);
    std::int64_t frames = 0, pictures = 0, in_batches = 0;
    for (const json& device : report["devices"]) {
        frames += device["frames"].get<std::int64_t>(), pictures += device["pictures"].get<std::int64_t>();
        for (const auto& [size, count] : device["batches"].items()) in_batches += std::stoi(size) * count.get<int>();
    }
    CHECK(frames == 60);
    CHECK(pictures == 300);
    CHECK(in_batches == 300);
}

TEST_CASE("a picture that is too small for its tiles is an error that names it, and the others are done") {
    const TemporaryFolder folder;
    media::write_image(folder / "small.png", {5, 4, std::vector<std::uint8_t>(5 * 4 * 3, 128)});
    media::write_image(folder / "large.png", {60, 40, std::vector<std::uint8_t>(60 * 40 * 3, 128)});
    const Finished finished =
        yolo_run(folder, with({"small.png", "large.png", "--tiles", "3x2", "--jsonl", "-"}, kSmall));
    CHECK(finished.status == 1);
    CHECK(contains(finished.err, "small.png"));
    CHECK(contains(finished.err, "is 5x4, too small for 3x2 tiles"));
    CHECK(records_in(finished.out).size() == 1);
}

TEST_CASE("a device that fails costs time and status 3, not one record") {
    const TemporaryFolder folder;
    const Arguments common = with({clip(), "--threads", "2", "--jsonl", "x.jsonl"}, kSmall);
    const Finished sound = yolo_run(folder, with(common, {"--device", "cpu:0,cpu:1"}));
    REQUIRE(sound.status == 0);
    const std::vector<std::string> expected = timeless_records(read_file(folder / "x.jsonl"));
    for (const char* when : {"cpu:1@0", "cpu:1@30", "cpu:0@77"}) {
        const Finished failed =
            yolo_run(folder, with(common, {"--device", "cpu:0,cpu:1", "--fail-device", when, "--report",
                                           "--report-json", "r.json", "--video", "v.mp4"}));
        INFO(when << ": " << failed.err);
        CHECK(failed.status == 3);
        CHECK(timeless_records(read_file(folder / "x.jsonl")) == expected);
        CHECK(frames_in_video(folder / "v.mp4") == 240);
        const std::string name = std::string(when).substr(0, 5);
        CHECK(contains(failed.err, name + " has failed, the others did its work"));
        CHECK(contains(failed.err, "begun again on another device"));
        const json report = json::parse(read_file(folder / "r.json"));
        CHECK(report["repeated_segments"].get<int>() > 0);
        for (const json& device : report["devices"])
            CHECK((device["name"] == name) == !device["failure"].get<std::string>().empty());
    }
    // Of four, three, which of frames in order that are drawn on have what the others wait for.
    const Arguments four =
        with({clip(), "--threads", "4", "--jsonl", "x.jsonl", "--device", "cpu:0,1,2,3", "--track", "--video", "v.mp4"},
             kSmall);
    REQUIRE(yolo_run(folder, four).status == 0);
    const std::vector<std::string> tracked = timeless_records(read_file(folder / "x.jsonl"));
    const Finished three = yolo_run(folder, with(four, {"--fail-device", "cpu:0@9,cpu:2@0,cpu:3@21"}));
    INFO(three.err);
    CHECK(three.status == 3);
    CHECK(contains(three.err, "cpu:0 has failed, the others did its work"));
    CHECK(timeless_records(read_file(folder / "x.jsonl")) == tracked);
    CHECK(frames_in_video(folder / "v.mp4") == 240);
    // With the last device goes the rest of the run, but nothing of what was there.
    const Finished all =
        yolo_run(folder, with(common, {"--device", "cpu", "--fail-device", "cpu@60", "--video", "v.mp4"}));
    INFO(all.err);
    CHECK(all.status == 4);
    CHECK(contains(all.err, "no device is left: cpu was made to fail"));
    const std::vector<std::string> rest = timeless_records(read_file(folder / "x.jsonl"));
    CHECK(rest.size() < 240);
    CHECK(rest.size() > 0);
    CHECK(std::equal(rest.begin(), rest.end(), expected.begin()));
    CHECK(frames_in_video(folder / "v.mp4") == std::int64_t(rest.size()));
}

TEST_CASE("things have the same numbers and counts on any devices, drawn on or not, and records agree with counts") {
    const TemporaryFolder folder;
    write_file(folder / "zones.json", R"({"unit": "share", "zones": [{"name": "left, half", "points": [[0, 0], [0.5, 0],
        [0.5, 1], [0, 1]]}], "lines": [{"name": "middle", "points": [[0.5, 0], [0.5, 1]], "classes": ["person"]}]})");
    std::vector<std::string> expected_files;
    std::vector<json> expected;
    for (const auto& [device, video] : {std::pair{"cpu", false}, {"cpu", true}, {"cpu:0,cpu:1", true}}) {
        Arguments arguments = with({clip(), "--threads", device == std::string("cpu") ? "1" : "2", "--device", device,
                                    "--zones", "zones.json", "--jsonl", "t.jsonl", "--zone-counts", "c.csv",
                                    "--zone-visits", "v.csv", "--zone-totals", "t.json", "--size", "192"},
                                   video ? Arguments{"--video", "t.mp4"} : Arguments{});
        const Finished finished = yolo_run(folder, arguments);
        INFO(device << ": " << finished.err);
        REQUIRE(finished.status == 0);
        std::vector<json> records = records_in(read_file(folder / "t.jsonl"));
        std::set<std::int64_t> tracks;
        for (json& record : records) {
            record.erase("latency_ms");
            for (const json& d : record["detections"])
                if (d.contains("track")) tracks.insert(d["track"].get<std::int64_t>());
        }
        REQUIRE(tracks.size() > 5);
        CHECK(*tracks.rbegin() == std::int64_t(tracks.size()));  // without gaps
        const std::vector<std::string> files = {read_file(folder / "c.csv"), read_file(folder / "v.csv"),
                                                read_file(folder / "t.json")};
        if (expected.empty()) expected = records, expected_files = files;
        CHECK(records == expected);
        CHECK(files == expected_files);
        const json line = json::parse(files[2])["lines"][0];
        CHECK(contains(finished.out + finished.err,
                       "middle " + line["in"].dump() + " in, " + line["out"].dump() + " out"));
        if (video) CHECK(frames_in_video(folder / "t.mp4") == 240);
    }
    write_file(folder / "large.json",
               R"({"unit": "pixels", "lines": [{"name": "far", "points": [[0, 9], [9000, 9]]}]})");
    const Finished outside =
        yolo_run(folder, {clip(), "--zones", "large.json", "--overlay", "o.ass", "--frames", "3", "--quiet"});
    CHECK(outside.status == 0);
    const std::string warning = "large.json: line \"far\" leaves the frame";
    CHECK(outside.err.find(warning) != std::string::npos);
    CHECK(outside.err.find(warning) == outside.err.rfind(warning));
    CHECK(contains(read_file(folder / "o.ass"), ",zone label,,0,0,0,,"));
    const Finished wrong = yolo_run(folder, {clip(), "--zones", "t.jsonl", "--csv", "x.csv"});
    CHECK(wrong.status == 1);
    CHECK(contains(wrong.err, "t.jsonl"));
}

TEST_CASE("zones that count nothing are warned of") {
    const TemporaryFolder folder;
    write_file(folder / "z.json", R"({"unit": "share", "lines": [
        {"name": "pets", "points": [[0, 0], [1, 1]], "classes": ["dog", "cat"]},
        {"name": "all", "points": [[0, 0], [1, 1]]}, {"name": "cars", "points": [[0, 0], [1, 1]], "classes": ["car"]}]})");
    save_frame(folder / "p.png", 0);
    const Finished idle = yolo_run(
        folder, {"p.png", "--zones", "z.json", "--classes", "person,car", "--csv", "x.csv", "--size", "96", "--quiet"});
    CHECK(idle.status == 0);
    CHECK(idle.err ==
          "yolo-run: warning: --zones: nothing is followed or counted in pictures, of which there is 1\n"
          "yolo-run: warning: z.json: \"pets\" counts nothing, since --classes leaves its classes out\n");
}

TEST_CASE("several recordings at once: each in its own order, batches mixed") {
    const TemporaryFolder folder;
    const std::string other = other_clip(folder);
    if (other.empty()) {
        WARN("skipped: no ffmpeg with libx264");
        return;
    }
    const auto per_input = [&](const Arguments& more) {
        const Finished finished = yolo_run(
            folder,
            with(with({clip(), "other.mp4", "--threads", "2", "--jsonl", "-", "--report-json", "r.json"}, kSmall),
                 more));
        INFO(finished.err);
        REQUIRE(finished.status == 0);
        std::map<std::string, std::vector<std::string>> records;
        std::vector<std::string> inputs;
        for (json r : records_in(finished.out)) {
            r.erase("latency_ms");
            CHECK(r["frame"] == records[r["input"]].size());
            records[r["input"]].push_back(r["detections"].dump());
            inputs.push_back(r["input"]);
        }
        return std::pair(records, inputs);
    };
    const auto [in_turn, order] = per_input({});
    CHECK(std::is_sorted(order.begin(), order.end(),
                         [&](const auto& a, const auto& b) { return a == clip() && b != clip(); }));
    const auto [at_once, mixed] = per_input({"--at-once", "2"});
    CHECK(at_once == in_turn);
    int changes = 0;
    for (std::size_t i = 1; i < mixed.size(); ++i) changes += mixed[i] != mixed[i - 1];
    CHECK(changes > 2);
    const Finished folders =
        yolo_run(folder, with({clip(), "other.mp4", "--at-once", "2", "--jsonl", "boxes/"}, kSmall));
    INFO(folders.err);
    CHECK(folders.status == 0);
    CHECK(records_in(read_file(folder / "boxes/pedestrians.jsonl")).size() == 240);
    CHECK(records_in(read_file(folder / "boxes/other.jsonl")).size() == at_once.at("other.mp4").size());
}

TEST_CASE("an interrupted run on several devices ends within 2 seconds, its files whole") {
    const TemporaryFolder folder;
    for (int round = 0; round < 3; ++round) {
        Child child("yolo-run",
                    {clip(), clip(), "--model", source_file("models/yolov3-quarter"), "--device", "cpu:0,cpu:1",
                     "--jsonl", "x.jsonl", "--pictures", "found"},
                    folder.path());
        while (child.running() && lines_of(read_file(folder / "x.jsonl")).size() < 2)
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        const auto start = std::chrono::steady_clock::now();
        child.signal(SIGINT);
        const Finished finished = child.wait();
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        INFO(finished.err << " after " << seconds << " s");
        CHECK(finished.status == 130);
        CHECK(seconds < 2);
        const std::vector<json> records = records_in(read_file(folder / "x.jsonl"));
        for (std::size_t i = 0; i < records.size(); ++i) CHECK(records[i]["frame"] == i % 240);
        CHECK(files_in(folder.path() / "found") == records.size());
        fs::remove_all(folder / "found");
        fs::remove(folder / "x.jsonl");
    }
}

TEST_CASE("the report tells of every device, and the trace of every thread, on one clock") {
    const TemporaryFolder folder;
    const Finished finished =
        yolo_run(folder, with({clip(), "--device", "cpu:0,cpu:1", "--threads", "2", "--video", "v.mp4", "--jsonl",
                               "b.jsonl", "--report", "--report-json", "r.json", "--trace", "t.json"},
                              kSmall));
    INFO(finished.err);
    REQUIRE(finished.status == 0);
    const json report = json::parse(read_file(folder / "r.json"));
    CHECK(report["frames"] == 240);
    CHECK(report["inputs"][0]["segments"].get<int>() >= 2);
    CHECK(report["latency"]["p99_ms"].get<double>() >= report["latency"]["median_ms"].get<double>());
    CHECK(contains(finished.err, report["bottleneck"].get<std::string>()));
    std::set<std::string> stages;
    std::int64_t frames = 0, pictures = 0;
    for (const json& stage : report["stages"]) {
        const std::string device = stage["device"], name = stage["name"];
        stages.insert(device + " " + name);
        CHECK(stage["busy"].get<double>() >= 0);
        CHECK(stage["p99_ms"].get<double>() >= stage["median_ms"].get<double>());
        CHECK(contains(finished.err, name));
    }
    for (const char* device : {"cpu:0", "cpu:1"})
        for (const char* stage : {"decode", "preprocess", "network", "post-process"})
            CHECK(stages.contains(std::string(device) + " " + stage));
    for (const char* stage : {"demux", "draw and encode", "draw", "encode", "output"})
        CHECK(stages.contains(std::string("host ") + stage));
    for (const json& device : report["devices"]) {
        frames += device["frames"].get<std::int64_t>();
        for (const auto& [size, count] : device["batches"].items()) pictures += std::stoi(size) * count.get<int>();
    }
    CHECK(frames == 240);
    CHECK(pictures == 240);

    const json trace = json::parse(read_file(folder / "t.json"));
    std::map<std::pair<int, int>, std::string> tracks;
    std::map<std::pair<int, int>, double> end_of;
    std::set<std::string> names;
    std::vector<json> spans;
    for (const json& e : trace["traceEvents"]) {
        if (e["ph"] == "M" && e["name"] == "thread_name") tracks[{e["pid"], e["tid"]}] = e["args"]["name"];
        if (e["ph"] == "X") spans.push_back(e);
    }
    std::sort(spans.begin(), spans.end(), [](const json& a, const json& b) { return a["ts"] < b["ts"]; });
    double last = 0;
    for (const json& e : spans) {
        const std::pair<int, int> track{e["pid"], e["tid"]};
        REQUIRE(tracks.contains(track));
        names.insert(e["name"].get<std::string>().substr(0, 8));
        INFO(tracks[track] << ": " << e.dump());
        CHECK(e["ts"].get<double>() >= end_of[track] - .01);  // what runs on a track does not overlap
        end_of[track] = e["ts"].get<double>() + e["dur"].get<double>();
        last = std::max(last, end_of[track]);
    }
    for (const char* name : {"demux", "decode", "preproce", "batch of", "post-pro", "frame", "result"})
        CHECK(names.contains(name));
    CHECK(last < 1e6 * (report["seconds"].get<double>() + 60));
}
