// SPDX-License-Identifier: MIT
//
// yolo-run and yolo-eval on weights whose numbers are NaN, infinite or too large: what they write is JSON all the same.
#include <cmath>
#include <cstring>
#include <limits>

#include <convoy/media/image.h>
#include "tests/support/catch.h"
#include "tests/tools/yolo_run_support.h"

using namespace convoy;
using namespace convoy::test;
using nlohmann::json;

namespace {

/// A model of one layer, m.cfg and m.weights: 16 cells with two anchors, whose raw numbers are these everywhere.
void write_model(const TemporaryFolder& folder, const std::vector<float>& numbers, const std::string& net = "") {
    write_file(folder / "m.cfg", "[net]\nwidth=32\nheight=32\nchannels=3\n" + net +
                                     "[convolutional]\nfilters=14\nsize=1\nstride=8\nactivation=linear\n"
                                     "[yolo]\nmask=0,1\nanchors=10,14, 23,27\nclasses=2\nnum=2\n");
    std::string weights(20, '\0');
    weights[4] = 2;  // version 0.2, of which `seen` has 8 bytes
    std::vector<float> floats = numbers;
    floats.resize(14 + 14 * 3);  // biases, weights of 0
    weights.append(reinterpret_cast<const char*>(floats.data()), floats.size() * sizeof(float));
    write_file(folder / "m.weights", weights);
}

std::vector<float> boxes(const std::vector<float>& first, const std::vector<float>& second) {
    std::vector<float> all = first;
    all.insert(all.end(), second.begin(), second.end());
    return all;
}

Arguments with_own_model(Arguments arguments) {
    arguments.insert(arguments.end(), {"--model", "m", "--device", "cpu", "--nms", "1"});
    return arguments;
}

std::size_t times(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

}  // namespace

TEST_CASE("boxes with numbers that are not finite are left out of every output, counted, and told of once") {
    const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    const std::vector<float> good = {0, 0, 0, 0, 5, 5, -9};
    for (const std::vector<float>& bad : {std::vector<float>{0, 0, 0, 0, nan, 5, 5},
                                          {0, 0, 1000, 0, 5, 5, 5},
                                          {nan, 0, 0, 0, 5, 5, 5},
                                          {0, 0, 0, inf, 5, 5, 5},
                                          {0, 0, 0, 0, 5, 5, nan},
                                          {0, 0, 1e30f, 1e30f, 5, 5, 5}}) {
        const TemporaryFolder folder;
        write_model(folder, boxes(good, bad));
        const Finished finished =
            run("yolo-run",
                with_own_model({clip(), "--frames", "3", "--jsonl", "-", "--report", "--report-json", "r.json",
                                "--video", "v.mp4", "--overlay", "v.ass"}),
                folder.path());
        INFO(finished.err);
        REQUIRE(finished.status == 0);
        write_model(folder, boxes(good, {0, 0, 0, 0, -50, 0, 0}));  // the same without the bad ones
        const Finished clean =
            run("yolo-run", with_own_model({clip(), "--frames", "3", "--jsonl", "-"}), folder.path());
        const std::vector<json> records = records_in(finished.out), expected = records_in(clean.out);
        REQUIRE(records.size() == 3);
        for (std::size_t i = 0; i < records.size(); ++i) CHECK(records[i]["detections"] == expected[i]["detections"]);
        CHECK_FALSE(records[0]["detections"].empty());
        CHECK(times(finished.err, "the first layer that has such numbers is layer ") == 2);  // once, and in the report
        CHECK(times(finished.err, "48 boxes that are not finite left out") == 1);
        CHECK(times(clean.err, "finite") == 0);
        const json report = json::parse(read_file(folder / "r.json"));
        CHECK(report["inputs"][0]["not_finite"] == 48);
        const bool overflows = std::isfinite(bad[2]) && bad[2] > 0;
        CHECK(report["inputs"][0]["first_not_finite"] == (overflows ? "layer 1 (yolo)" : "layer 0 (convolutional)"));
    }
}

TEST_CASE("a model that was trained on letterboxed pictures and gets stretched ones is worth a warning") {
    const TemporaryFolder folder;
    write_model(folder, boxes({0, 0, 0, 0, 5, 5, -9}, {0, 0, 0, 0, -50, 0, 0}), "letter_box=1\n");
    media::write_image(folder / "p.png", {32, 32, std::vector<std::uint8_t>(32 * 32 * 3)});
    const auto with = [&](Arguments arguments) {
        arguments.insert(arguments.end(), {"p.png", "--jsonl", "-", "-q"});
        return run("yolo-run", with_own_model(arguments), folder.path());
    };
    CHECK(with({"--strict"}).err.empty());
    const Finished stretched = with({"--stretch"}), strict = with({"--stretch", "--strict"});
    CHECK(stretched.status == 0);
    CHECK(stretched.err.starts_with("yolo-run: warning: m.cfg:5: [net] key 'letter_box' is 1: the model was trained"));
    check_failure(strict, 1, "m.cfg:5: [net] key 'letter_box' is 1");
}

TEST_CASE("boxes in the letterbox's bars are no boxes") {
    const TemporaryFolder folder;
    write_model(folder, boxes({0, 0, -3, -3, 5, 5, -9}, {0, 0, 0, 0, -50, 0, 0}));  // 0.7 pixels high
    media::write_image(folder / "wide.png", {64, 16, std::vector<std::uint8_t>(64 * 16 * 3)});
    const Finished finished = run("yolo-run", with_own_model({"wide.png", "--jsonl", "-"}), folder.path());
    INFO(finished.err);
    REQUIRE(finished.status == 0);
    const json detections = records_in(finished.out).at(0)["detections"];
    CHECK(detections.size() ==
          8);  // of four rows of cells, at 4, 12, 20 and 28: the picture is what lies from 12 to 20
    for (const json& d : detections) CHECK((d["box"][2] > 0 && d["box"][3] > 0));
}

TEST_CASE("yolo-eval scores what is finite, and says what is not") {
    const TemporaryFolder folder;
    write_model(folder, boxes({0, 0, 0, 0, 5, 5, -9}, {0, 0, 1000, 0, 5, 5, 5}));
    media::write_image(folder / "p.png", {32, 32, std::vector<std::uint8_t>(32 * 32 * 3)});
    write_file(folder / "data.json",
               R"({"images":[{"id":1,"file_name":"p.png","width":32,"height":32}],)"
               R"("annotations":[{"id":1,"image_id":1,"category_id":1,"bbox":[1,1,9,13],"area":117,"iscrowd":0}],)"
               R"("categories":[{"id":1,"name":"a"},{"id":2,"name":"b"}]})");
    write_file(folder / "m.names", "a\nb\n");
    const Finished finished = run("yolo-eval",
                                  {"--model", "m", "--device", "cpu", "--data", "data.json", "--images", ".",
                                   "--detections", "d.json", "--json", "s.json", "--nms", "1"},
                                  folder.path());
    INFO(finished.err);
    REQUIRE(finished.status == 0);
    CHECK(contains(finished.err, "warning: 16 boxes with numbers that are NaN or infinite are left out"));
    CHECK(contains(finished.err, "layer 1 (yolo)"));
    const json detections = json::parse(read_file(folder / "d.json"));
    CHECK(detections.size() == 16);
    CHECK(json::parse(read_file(folder / "s.json"))["detections"] == 16);
}
