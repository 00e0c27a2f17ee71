// SPDX-License-Identifier: MIT
#include <cmath>
#include <nlohmann/json.hpp>

#include <convoy/error.h>
#include "tests/support/catch.h"
#include "tests/support/random.h"
#include "tests/tools/child.h"
#include "tools/sinks/formats/jsonl.h"
#include "tools/sinks/record_sink.h"

using namespace convoy;
using namespace convoy::tools;
using nlohmann::json;

namespace {

Result result_of(std::int64_t index, std::vector<Detection> detections) {
    Result result;
    result.frame.index = index;
    result.frame.time_s = double(index) / 10;
    result.frame.pixels.width = 768;
    result.frame.pixels.height = 576;
    result.detections = std::move(detections);
    result.latency_ms = 7.125;
    return result;
}

ClassTexts named(const std::vector<std::string>& classes) { return {classes, json_string}; }

std::vector<std::string> keys_of(const json& object) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : object.items()) keys.push_back(key);
    return keys;  // sorted: nlohmann::json keeps its keys in a map
}

}  // namespace

TEST_CASE("a detection names its track, where there is one") {
    std::vector<Detection> detections = {{0, .5f, {1, 2, 3, 4}}, {0, .5f, {5, 6, 7, 8}}};
    detections[1].track = std::int64_t(1) << 40;
    const json record = json::parse(json_record(json_string("a.mp4"), result_of(0, detections), named({"person"})));
    CHECK_FALSE(record["detections"][0].contains("track"));
    CHECK(record["detections"][1]["track"] == std::int64_t(1) << 40);
}

TEST_CASE("a live frame's record says when it was taken") {
    Result result = result_of(1, {});
    const auto record = [&] { return json::parse(json_record(json_string("rtsp://a"), result, named({}))); };
    CHECK_FALSE(record().contains("wall_time"));
    for (const auto& [seconds, text] : {std::pair{1769903999.25, "2026-01-31T23:59:59.250Z"},
                                        {1709164799.99951, "2024-02-28T23:59:59.999Z"},
                                        {1709164800., "2024-02-29T00:00:00.000Z"},
                                        {0., "1970-01-01T00:00:00.000Z"}}) {
        result.frame.wall_time_s = seconds;
        CHECK(record()["wall_time"] == text);
    }
}

TEST_CASE("a record has every field, and floats come back to the bit") {
    std::vector<Detection> detections;
    const std::vector<float> values = test::random_floats(500, 1, 0.f, 1000.f);
    for (std::size_t i = 0; i + 4 < values.size(); i += 5)
        detections.push_back({1, values[i] / 1000, {values[i + 1], values[i + 2], values[i + 3], values[i + 4]}});
    detections.push_back({0, 1.f, {0.f, 1e-9f, 768.f, 3.4e38f}});
    const json record =
        json::parse(json_record(json_string("a.mp4"), result_of(3, detections), named({"person", "car"})));
    CHECK(keys_of(record) ==
          std::vector<std::string>{"detections", "frame", "height", "input", "latency_ms", "pts_s", "time_s", "width"});
    CHECK(record["input"] == "a.mp4");
    CHECK(record["frame"] == 3);
    CHECK(record["time_s"].get<double>() == .3);
    CHECK(record["width"] == 768);
    CHECK(record["height"] == 576);
    CHECK(record["latency_ms"] == 7.125);
    REQUIRE(record["detections"].size() == detections.size());
    for (std::size_t i = 0; i < detections.size(); ++i) {
        const json& written = record["detections"][i];
        const Detection& d = detections[i];
        INFO("detection " << i << ": " << written.dump());
        CHECK(keys_of(written) == std::vector<std::string>{"box", "class", "class_id", "confidence"});
        CHECK(written["class"] == (d.class_id ? "car" : "person"));
        CHECK(written["confidence"].get<float>() == d.confidence);
        CHECK(written["box"].get<std::vector<float>>() == std::vector<float>{d.box.x, d.box.y, d.box.w, d.box.h});
    }
}

TEST_CASE("a frame without boxes has its record, a class without a name its number") {
    CHECK(json::parse(json_record("\"a\"", result_of(0, {}), named({})))["detections"] == json::array());
    CHECK(json::parse(json_record("\"a\"", result_of(0, {{17, .5f, {}}}), named({})))["detections"][0]["class"] ==
          "17");
}

TEST_CASE("a frame that cannot be decoded has a record that says so") {
    Result result = result_of(2, {});
    CHECK(!json::parse(json_record("\"a\"", result, named({}))).contains("undecodable"));
    result.frame.undecodable = true;
    const json record = json::parse(json_record("\"a\"", result, named({})));
    CHECK(record["undecodable"] == true);
    CHECK(record["frame"] == 2);
    CHECK(record["detections"] == json::array());
}

TEST_CASE("strings survive JSON") {
    for (const std::string text : {"plain", "quo\"te", "back\\slash", "tab\tnewline\n", "\x01\x1f", "straße 日本", ""})
        CHECK(json::parse(json_string(text)).get<std::string>() == text);
    CHECK(json::parse(json_string("bad\xff\xfe"
                                  "end"))
              .get<std::string>() ==
          "bad\xef\xbf\xbd\xef\xbf\xbd"
          "end");
    CHECK(json_string("two\nlines").find('\n') == std::string::npos);
}

TEST_CASE("the file grows by whole lines and appears with the first") {
    const test::TemporaryFolder folder;
    const std::string path = folder / "boxes.jsonl";
    InputInfo first, second;
    first.path = "one \"1\".mp4";
    second.path = "two.mp4";
    RecordSink sink(path, jsonl_format({{"person"}}));
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK(sink.outputs().empty());
    for (int i = 0; i < 3; ++i) {
        const Result result = result_of(i, {{0, .75f, {1, 2, 3, 4}}});
        sink.write({i < 2 ? first : second, i < 2 ? 0 : 1, result});
        const auto lines = test::lines_of(test::read_file(path));
        REQUIRE(lines.size() == std::size_t(i) + 1);
        CHECK(json::parse(lines.back())["input"] == (i < 2 ? first : second).path);
    }
    sink.close();
    CHECK(sink.outputs() == std::vector<std::string>{path});
}

TEST_CASE("records of a file that somebody removes meanwhile are not lost in silence") {
    const test::TemporaryFolder folder;
    for (const std::string name : {"removed.jsonl", "moved.jsonl"}) {
        RecordSink sink(folder / name, jsonl_format({}));
        const InputInfo info;
        const Result result = result_of(0, {});
        sink.write({info, 0, result});
        if (name == "moved.jsonl") {
            std::filesystem::rename(folder / name, folder / "elsewhere");
            CHECK_NOTHROW(sink.close());
        } else {
            std::filesystem::remove(folder / name);
            CHECK_THROWS_AS(sink.close(), Error);
        }
    }
}

TEST_CASE("a folder gets a file for each input, side by side") {
    const test::TemporaryFolder folder;
    const std::vector<std::string> paths = {folder / "a.jsonl", folder / "b.jsonl", folder / "never.jsonl"};
    InputInfo info;
    FolderSink sink(
        paths, [](const std::string& path) { return std::make_unique<RecordSink>(path, jsonl_format({{"person"}})); });
    for (int i = 0; i < 6; ++i) {
        const Result result = result_of(i / 2, {});
        info.path = i % 2 ? "b.mp4" : "a.mp4";
        sink.write({info, i % 2, result});
    }
    sink.end_input(1, true);
    sink.end_input(2, true);
    CHECK(sink.outputs() == std::vector<std::string>{paths[1]});
    sink.close();
    CHECK(sink.outputs() == std::vector<std::string>{paths[1], paths[0]});
    CHECK_FALSE(std::filesystem::exists(paths[2]));
    for (int input = 0; input < 2; ++input) {
        const auto lines = test::lines_of(test::read_file(paths[std::size_t(input)]));
        REQUIRE(lines.size() == 3);
        for (int i = 0; i < 3; ++i) {
            const json record = json::parse(lines[std::size_t(i)]);
            CHECK(record["input"] == (input ? "b.mp4" : "a.mp4"));
            CHECK(record["frame"] == i);
        }
    }
}

TEST_CASE("a full disk is an error at once") {
    if (!std::filesystem::exists("/dev/full")) {
        WARN("skipped: this machine has no /dev/full");
        return;
    }
    RecordSink sink("/dev/full", jsonl_format({}));
    const Result result = result_of(0, {});
    std::string message = "none";
    try {
        sink.write({{}, 0, result});
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::output);
        message = error.what();
    }
    CHECK(message == "cannot write /dev/full: No space left on device");
}
