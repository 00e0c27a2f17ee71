// SPDX-License-Identifier: MIT
//
// What each format of records says of a frame. That their usual readers read them: test_outputs.py.
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include <convoy/error.h>
#include "tests/support/catch.h"
#include "tests/tools/child.h"
#include "tools/media/unfinished.h"
#include "tools/sinks/record_sink.h"
#include "tools/sinks/yolo_sink.h"

using namespace convoy;
using namespace convoy::tools;
using nlohmann::json;

namespace {

struct Shown {
    std::int64_t frame = 0;
    std::vector<Detection> detections = {};
    bool undecodable = false;
    int input = 0;
};

Detection box(int class_id, std::int64_t track = 0) { return {class_id, .75f, {1.5f, 2, 30.25f, 4}, track}; }

InputInfo input_of(const std::string& path, bool is_video) {
    InputInfo info;
    info.path = path;
    info.is_video = is_video;
    return info;
}

Result result_of(const Shown& shown) {
    Result result;
    result.frame.index = shown.frame;
    result.frame.time_s = double(shown.frame) / 10;
    result.frame.pixels.width = 200, result.frame.pixels.height = 100;
    result.frame.undecodable = shown.undecodable;
    result.detections = shown.detections;
    return result;
}

const FormatNames kNames = {{"person", "a \"<b>\",&\xff"}, FrameNames({"street", "dog"})};

/// The whole file of these frames. Input 0 is a video, all others are pictures.
std::string text_of(RecordFormat& format, const std::vector<Shown>& frames) {
    const std::vector<InputInfo> inputs = {input_of("in/street,1.mp4", true), input_of("in/dog.jpg", false)};
    std::string text = format.begin();
    for (const Shown& shown : frames) {
        const Result result = result_of(shown);
        text += format.frame({inputs.at(std::size_t(shown.input)), shown.input, result});
        CHECK(text.ends_with('\n'));
    }
    format.end([&](const std::string& piece) { text += piece; });
    return text;
}

const std::string kBad = "\xef\xbf\xbd";

}  // namespace

TEST_CASE("comma-separated values have a line per box and a header") {
    const std::string header = "input,frame,time_s,class_id,class,confidence,x,y,w,h,track\n";
    CHECK(text_of(*csv_format(kNames), {{0}}) == header);
    CHECK(text_of(*csv_format(kNames), {{3, {box(0), box(1, 7), box(9)}}, {4, {}, true}}) ==
          header + "\"in/street,1.mp4\",3,0.3,0,person,0.75,1.5,2,30.25,4,\n" +
              "\"in/street,1.mp4\",3,0.3,1,\"a \"\"<b>\"\",&" + kBad + "\",0.75,1.5,2,30.25,4,7\n" +
              "\"in/street,1.mp4\",3,0.3,9,9,0.75,1.5,2,30.25,4,\n");
}

TEST_CASE("MOTChallenge counts frames, classes and pixels from 1") {
    CHECK(text_of(*mot_format(kNames), {{0, {box(0)}}, {2, {box(1, 7)}}}) ==
          "1,-1,2.5,3,30.25,4,0.75,1,-1\n3,7,2.5,3,30.25,4,0.75,2,-1\n");
    const test::TemporaryFolder folder;
    RecordSink sink(folder / "empty.txt", mot_format(kNames));
    const Result result = result_of({0});
    sink.write({{}, 0, result});
    sink.close();
    CHECK(test::read_file(folder / "empty.txt").empty());
    CHECK(sink.outputs() == std::vector<std::string>{folder / "empty.txt"});
}

TEST_CASE("events are what changes in zones and at lines, and each has a line") {
    const auto zones = std::make_shared<const analysis::Zones>(analysis::parse_zones(
        R"({"unit":"pixels","zones":[{"name":"a \"b\"","points":[[0,0],[100,0],[100,100],[0,100]],"anchor":"center"}],
            "lines":[{"name":"door","points":[[150,0],[150,100]],"anchor":"center"}]})",
        "zones.json"));
    const auto format = zone_events_format({kNames.classes, FrameNames({"street"}), zones});
    const auto at = [](std::int64_t frame, float x) {
        Result result = result_of({frame, {{1, .75f, {x - 2, 40, 4, 4}, 7}, {0, .75f, {x - 2, 40, 4, 4}, 0}}});
        result.frame.time_s = double(frame);
        return result;
    };
    const InputInfo info = input_of("in/street,1.mp4", true);
    const std::string begin = R"({"input":"in/street,1.mp4","frame":)",
                      who = R"(,"track":7,"class_id":1,"class":"a \"<b>\",&)" + kBad + "\"";
    CHECK(format->frame({info, 0, at(0, 120)}).empty());
    CHECK(format->frame({info, 0, at(1, 90)}) ==
          begin + R"(1,"time_s":1,"event":"enter","zone":"a \"b\"")" + who + "}\n");
    CHECK(format->frame({info, 0, result_of({2, {}, true})}).empty());
    CHECK(format->frame({info, 0, at(2, 80)}).empty());
    CHECK(format->frame({info, 0, at(3, 160)}) ==
          begin + R"(3,"time_s":3,"event":"cross","line":"door")" + who + ",\"direction\":\"out\"}\n");
    CHECK(format->frame({info, 0, at(4, 170)}) ==
          begin + R"(4,"time_s":4,"event":"leave","zone":"a \"b\"")" + who + ",\"from_s\":1,\"to_s\":2}\n");
}

TEST_CASE("a file that cannot be written is told of by what is in it") {
    const auto zones = std::make_shared<const analysis::Zones>(
        analysis::parse_zones(R"({"unit":"share","lines":[{"name":"door","points":[[0,0],[1,1]]}]})", "zones.json"));
    RecordSink sink("/dev/full", zone_totals_format({{}, FrameNames({"street"}), zones}));
    const Result result = result_of({0, {box(0)}});
    for (int i = 0; i < 3; ++i) sink.write({{}, 0, result});
    try {
        sink.close();
        FAIL("nothing was thrown");
    } catch (const Error& error) {
        CHECK(std::string(error.what()) == "cannot write /dev/full: No space left on device");
    }
}

TEST_CASE("COCO has each picture once, with or without boxes, and what lies on it") {
    const json file = json::parse(text_of(
        *coco_format(kNames), {{0}, {1, {box(0), box(1, 7)}}, {0, {box(2)}, false, 1}, {2, {}, true}, {3, {box(0)}}}));
    const json &images = file["images"], &annotations = file["annotations"];
    CHECK(file["categories"] == json::parse(R"([{"id":1,"name":"person"},{"id":2,"name":"a \"<b>\",&)" + kBad +
                                            R"("},{"id":3,"name":"2"}])"));
    REQUIRE(images.size() == 4);
    CHECK(images[0] == json::parse(R"({"id":1,"file_name":"street-000000.jpg","width":200,"height":100,)"
                                   R"("video":"in/street,1.mp4","frame":0})"));
    CHECK(images[2] == json::parse(R"({"id":3,"file_name":"in/dog.jpg","width":200,"height":100})"));
    CHECK(images[3]["file_name"] == "street-000003.jpg");
    REQUIRE(annotations.size() == 4);
    CHECK(annotations[0] == json::parse(R"({"id":1,"image_id":2,"category_id":1,"bbox":[1.5,2,30.25,4],"area":121,)"
                                        R"("iscrowd":0,"score":0.75})"));
    CHECK(annotations[1]["track_id"] == 7);
    CHECK(annotations[2]["image_id"] == 3);
    CHECK(annotations[3]["image_id"] == 4);
    CHECK(json::parse(text_of(*coco_format({}), {{0, {}, true}}))["images"].empty());
}

TEST_CASE("Label Studio has a task per picture and per frame") {
    const json tasks =
        json::parse(text_of(*label_studio_format(kNames), {{0}, {1, {}, true}, {2, {box(0), box(1, 7)}}}));
    REQUIRE(tasks.size() == 2);
    CHECK(tasks[0]["predictions"][0]["result"].empty());
    CHECK(tasks[1]["data"] == json::parse(R"({"image":"street-000002.jpg","input":"in/street,1.mp4","frame":2})"));
    const json& regions = tasks[1]["predictions"][0]["result"];
    REQUIRE(regions.size() == 2);
    CHECK(regions[0]["value"] == json::parse(R"({"x":0.75,"y":2,"width":15.125,"height":4,"rotation":0,)"
                                             R"("rectanglelabels":["person"]})"));
    CHECK(regions[0]["score"] == .75);
    CHECK_FALSE(regions[0].contains("meta"));
    CHECK(regions[1]["meta"]["track"] == 7);
    CHECK(json::parse(text_of(*label_studio_format(kNames), {{0, {}, true}})).empty());
}

TEST_CASE("CVAT's boxes stand on their picture, or on their frame where no track has them") {
    const std::string label = "label=\"a &quot;&lt;b&gt;&quot;,&amp;" + kBad + "\"";
    const std::string text =
        text_of(*cvat_format(kNames), {{0, {}, false, 1}, {0, {box(1)}, false, 1}, {4, {box(0)}}, {5}});
    CHECK(text.find("<image id=\"0\" name=\"in/dog.jpg\" width=\"200\" height=\"100\"></image>\n") != text.npos);
    CHECK(text.find("<image id=\"1\" name=\"in/dog.jpg\" width=\"200\" height=\"100\">\n<box " + label +
                    " source=\"auto\" occluded=\"0\" xtl=\"1.5\" ytl=\"2\" xbr=\"31.75\" ybr=\"6\" z_order=\"0\">"
                    "<attribute name=\"confidence\">0.75</attribute></box></image>\n") != text.npos);
    CHECK(text.find("<image id=\"4\" name=\"frame_000004\"") != text.npos);
    CHECK(text.find("frame_000005") == text.npos);
    CHECK(text.ends_with("</annotations>\n"));
}

TEST_CASE("CVAT's file says once what it is of, and of a video how large its frames are, tracks or not") {
    const auto count = [](const std::string& text, const std::string& part) {
        std::ptrdiff_t n = 0;
        for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++n;
        return n;
    };
    const std::string size = "<original_size><width>200</width><height>100</height></original_size></task></meta>\n";
    for (const std::string& video : {text_of(*cvat_format(kNames), {{4, {box(0, 1)}}, {5}}),
                                     text_of(*cvat_format(kNames), {{0}, {1, {box(0)}}})}) {
        CHECK((count(video, size) == 1 && count(video, "<mode>interpolation<") == 1));
        CHECK(count(video, "<label>") == 2);
    }
    for (const std::string& other :
         {text_of(*cvat_format(kNames), {{0, {box(0)}, false, 1}}), text_of(*cvat_format(kNames), {})}) {
        CHECK((count(other, "original_size") == 0 && count(other, "<mode>annotation<") == 1));
        CHECK(count(other, "</labels></task></meta>\n") == 1);
    }
}

namespace {

/// "4 5 -6": frames of a track's boxes, minus those in which it is not seen.
std::vector<std::string> tracks_in(const std::string& text) {
    std::vector<std::string> tracks;
    for (const std::string& line : test::lines_of(text)) {
        if (line.starts_with("<track id=")) tracks.push_back("");
        if (!line.starts_with("<box frame=\"")) continue;
        const std::string frame = line.substr(12, line.find('"', 12) - 12);
        tracks.back() +=
            (tracks.back().empty() ? "" : " ") + ((line.find("outside=\"1\"") != line.npos ? "-" : "") + frame);
    }
    return tracks;
}

}  // namespace

TEST_CASE("CVAT's tracks end where nothing is seen, and are not kept for longer than it takes") {
    CHECK(tracks_in(text_of(*cvat_format(kNames), {{4, {box(0, 1)}}, {5, {box(0, 1), box(0, 2)}}})) ==
          std::vector<std::string>{"4 5", "5"});
    CHECK(tracks_in(text_of(*cvat_format(kNames), {{4, {box(0, 1)}}, {5}, {6, {}, true}, {7, {box(0, 1)}}, {8}})) ==
          std::vector<std::string>{"4 -5 7 -8"});
    const auto format = cvat_format(kNames);
    const InputInfo input = input_of("a.mp4", true);
    const auto frame = [&](const Shown& shown) {
        const Result result = result_of(shown);
        return format->frame({input, 0, result});
    };
    CHECK(tracks_in(frame({0, {box(0, 1)}})).empty());
    CHECK(frame({300}).empty());
    CHECK(tracks_in(frame({301})) == std::vector<std::string>{"0 -1"});
    std::size_t ended = 0;
    for (int i = 1000; i < 25000; ++i) ended += tracks_in(frame({i, {box(0, 2)}})).size();
    CHECK(ended == 2);
}

TEST_CASE("a file of records is whole when a run ends without it, and keeps its last whole line on a full disk") {
    const test::TemporaryFolder folder;
    const InputInfo input = input_of("a.mp4", true);
    const Result result = result_of({0, {box(0)}});
    for (const auto format : {coco_format, label_studio_format}) {
        {
            RecordSink sink(folder / "a.json", format(kNames));
            sink.write({input, 0, result});
        }
        CHECK(json::accept(test::read_file(folder / "a.json")));
        std::filesystem::remove(folder / "a.json");
        { const RecordSink never(folder / "a.json", format(kNames)); }
        CHECK_FALSE(std::filesystem::exists(folder / "a.json"));
    }
    if (!std::filesystem::exists("/dev/full")) return;
    RecordSink full("/dev/full", cvat_format(kNames));
    CHECK_THROWS_AS(full.write({input, 0, result}), Error);
}

TEST_CASE("YOLO labels are shares of the picture, one file for each, and one for the names") {
    const test::TemporaryFolder folder;
    const std::vector<InputInfo> inputs = {input_of("street.mp4", true), input_of("street-000001.jpg", false)};
    const std::string killed = folder / (media::unfinished_prefix("street-000001.txt") + "1-0.part");
    std::ofstream(killed) << "0";
    YoloSink sink({folder / "street", folder / "street-000001"}, folder / "classes.txt", {"person", "car"});
    for (const Shown& shown :
         {Shown{0}, Shown{1, {box(0), box(1)}}, Shown{2, {}, true}, Shown{0, {box(1)}, false, 1}}) {
        const Result result = result_of(shown);
        sink.write({inputs.at(std::size_t(shown.input)), shown.input, result});
    }
    sink.end_input(0, true);
    sink.end_input(1, true);
    CHECK_FALSE(std::filesystem::exists(killed));
    CHECK(test::read_file(folder / "classes.txt") == "person\ncar\n");
    CHECK(std::filesystem::is_empty(folder / "street-000000.txt"));
    CHECK(test::read_file(folder / "street-000001-2.txt") ==
          "0 0.083125 0.04 0.15125 0.04\n1 0.083125 0.04 0.15125 0.04\n");
    CHECK(test::read_file(folder / "street-000001.txt") == "1 0.083125 0.04 0.15125 0.04\n");
    CHECK_FALSE(std::filesystem::exists(folder / "street-000002.txt"));
    CHECK(sink.outputs() == std::vector<std::string>{folder.path().string() + "/"});
}

TEST_CASE("labels that cannot be written cost no other input") {
    const test::TemporaryFolder folder;
    std::filesystem::create_directory(folder / "a.txt");
    YoloSink sink({folder / "a", folder / "b"}, folder / "classes.txt", {});
    const Result result = result_of({0});
    for (int input = 0; input < 2; ++input) {
        sink.write({input_of("x.jpg", false), input, result});
        sink.end_input(input, true);
    }
    CHECK(sink.take_errors().size() == 1);
    CHECK(std::filesystem::exists(folder / "b.txt"));
    CHECK_FALSE(std::filesystem::exists(folder / "classes.txt"));
}
