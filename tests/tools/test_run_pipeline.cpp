// SPDX-License-Identifier: MIT
//
// The engine, the readers of pictures and the sinks together, on several devices and lanes. No libav is in it, so that
// the thread sanitizer sees all of it.
#include "tools/run_pipeline.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include <convoy/load.h>
#include "tests/support/catch.h"
#include "tests/tools/child.h"
#include "tests/tools/media_files.h"

using namespace convoy;
using namespace convoy::tools;
using nlohmann::json;

namespace {

Network tiny() {
    Network n = parse_network(R"([net]
width=64
height=64
channels=3
[convolutional]
filters=8
size=3
stride=4
pad=1
activation=leaky
[convolutional]
filters=14
size=1
stride=1
pad=1
activation=linear
[yolo]
mask=0,1
anchors=10,12,30,24
classes=2
num=2
)",
                              "tiny.cfg");
    randomize_weights(n, 5);
    return n;
}

/// Pictures of different sizes and kinds, so that none takes as long as the next.
std::vector<std::string> pictures(const test::TempFolder& folder, int count) {
    std::vector<std::string> paths;
    for (int i = 0; i < count; ++i) {
        paths.push_back(folder / (std::to_string(i) + (i % 3 ? ".jpg" : ".png")));
        media::write_image(paths.back(), test::synthetic(40 + 23 * (i % 7), 70 + 17 * (i % 5), i));
    }
    return paths;
}

struct Outcome {
    RunSummary summary;
    std::map<std::string, json> records;               // by input
    std::vector<std::vector<std::string>> lane_order;  // inputs of the records as they were written
    std::map<std::string, media::Image> pictures;      // what the picture sinks have left, by name
};

/// Runs `inputs` into every sink that needs no libav.
Outcome run(const std::vector<std::string>& inputs, const std::string& device, int lanes, int threads,
            const std::atomic<bool>& stop = false) {
    const test::TempFolder out;
    EngineOptions engine_options;
    engine_options.device = device;
    engine_options.threads = threads;
    engine_options.max_batch = 1;
    engine_options.detect.confidence = .02f;
    Engine engine(tiny(), engine_options);
    OutputOptions outputs;
    outputs.jsonl = out / "boxes.jsonl";
    outputs.pictures = out / "found";
    outputs.contact_sheet = out / "sheet.jpg";
    PipelineOptions options{media::RunInputs({inputs, {}, {}, {}}, {}, lanes)};
    options.class_names = {"cat", "dog"};
    options.threads = {2, 3};
    Outcome outcome;
    {
        OutputPlan plan = plan_outputs(outputs, inputs, {});
        const media::OutputLocks held = claim_outputs(plan, inputs, {});
        Sinks sinks = make_sinks(plan, options.class_names);
        const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
        Progress progress(nowhere, false);
        outcome.summary = run_pipeline(engine, options, sinks, progress, stop);
        ::close(nowhere);
    }
    outcome.lane_order.resize(std::size_t(lanes));
    for (const std::string& line : test::lines_of(test::read_file(outputs.jsonl))) {
        json record = json::parse(line);
        const std::string input = record["input"];
        record.erase("latency_ms");
        CHECK(outcome.records.emplace(input, record).second);
        const auto number = std::find(inputs.begin(), inputs.end(), input) - inputs.begin();
        outcome.lane_order[std::size_t(number % lanes)].push_back(input);
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(out.path()))
        if (entry.is_regular_file() && entry.path().extension() != ".jsonl")
            outcome.pictures[entry.path().filename()] = media::read_image(entry.path());
    return outcome;
}

/// Its last rows: the latency is drawn into the first ones, and differs from run to run.
std::vector<std::uint8_t> foot(const media::Image& image) {
    return {image.rgb.end() - std::ptrdiff_t(16) * image.width * 3, image.rgb.end()};
}

std::vector<std::string> every(const std::vector<std::string>& inputs, std::size_t step, std::size_t first) {
    std::vector<std::string> out;
    for (std::size_t i = first; i < inputs.size(); i += step) out.push_back(inputs[i]);
    return out;
}

}  // namespace

TEST_CASE("two devices and three lanes write what one device writes", "[pipeline]") {
    const test::TempFolder folder;
    const std::vector<std::string> inputs = pictures(folder, 30);
    const Outcome one = run(inputs, "cpu", 1, 1), many = run(inputs, "cpu:0,cpu:1", 3, 2);
    REQUIRE(one.records.size() == inputs.size());
    CHECK(one.lane_order[0] == inputs);
    std::size_t boxes = 0;
    for (const auto& [input, record] : one.records) {
        INFO(input);
        CHECK(many.records.at(input) == record);
        boxes += record["detections"].size();
    }
    CHECK(boxes > inputs.size());
    for (std::size_t lane = 0; lane < 3; ++lane) CHECK(many.lane_order[lane] == every(inputs, 3, lane));
    CHECK(one.pictures.size() == inputs.size() + 1);
    for (const auto& [name, picture] : one.pictures) {
        INFO(name);
        // The contact sheet has the inputs in the order of their ends, which lanes do not share.
        if (name != "sheet.jpg") CHECK((foot(many.pictures.at(name)) == foot(picture)));
    }
    CHECK(many.summary.inputs.size() == inputs.size());
}

TEST_CASE("a picture that cannot be read costs no other", "[pipeline]") {
    const test::TempFolder folder;
    std::vector<std::string> inputs = pictures(folder, 12);
    for (const std::size_t broken : {0, 5, 11}) test::write_file(inputs[broken], "no picture");
    std::filesystem::remove(inputs[7]);
    const Outcome outcome = run(inputs, "cpu:0,cpu:1", 3, 2);
    CHECK(outcome.records.size() == 8);
    CHECK(outcome.pictures.size() == 9);
    REQUIRE(outcome.summary.inputs.size() == 12);
    for (const InputSummary& input : outcome.summary.inputs) {
        INFO(input.path << ": " << input.end.error);
        CHECK(input.end.error.empty() == (outcome.records.count(input.path) == 1));
        CHECK(input.end.frames == std::int64_t(outcome.records.count(input.path)));
    }
}

TEST_CASE("a stopped run leaves whole outputs", "[pipeline]") {
    const test::TempFolder folder;
    const std::vector<std::string> inputs = pictures(folder, 40);
    std::atomic<bool> stop = false;
    std::thread stopper([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(30));  // in the midst of it, or before or after
        stop = true;
    });
    const Outcome outcome = run(inputs, "cpu:0,cpu:1", 3, 2, stop);
    stopper.join();
    for (std::size_t lane = 0; lane < 3; ++lane) {
        std::vector<std::string> expected = every(inputs, 3, lane);
        expected.resize(outcome.lane_order[lane].size());
        CHECK(outcome.lane_order[lane] == expected);
    }
    for (const auto& [input, record] : outcome.records)
        CHECK(outcome.pictures.count(std::filesystem::path(input).stem().string() + ".jpg") == 1);
}

TEST_CASE("detections are counted by class, those found most first") {
    const std::vector<std::string> names = {"person", "car", "dog"};
    CHECK(class_counts({}, names) == "");
    CHECK(class_counts({0, 0}, names) == "");
    CHECK(class_counts({61, 120}, names) == "car 120, person 61");
    CHECK(class_counts({1, 0, 1, 7}, names) == "class 3 7, person 1, dog 1");
    CHECK(class_counts({1, 2, 3, 4, 5, 6, 7, 8}, {}).ends_with("class 2 3, 2 more classes"));
}
