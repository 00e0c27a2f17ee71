// SPDX-License-Identifier: MIT
//
// Names of outputs for inputs that come while a run lasts.
#include <filesystem>
#include <functional>
#include <stdexcept>

#include <convoy/error.h>
#include "tests/support/catch.h"
#include "tests/tools/media_files.h"
#include "tools/sinks/plan_outputs.h"

using namespace convoy;
using namespace convoy::tools;
using namespace convoy::test;

namespace {

struct Run {
    Run(const OutputOptions& options, std::vector<std::string> first)
        : inputs(std::move(first)), plan(plan_outputs(options, inputs, {})), names(plan) {
        locks = claim_outputs(plan, inputs, {});
    }
    void add(const std::string& input) {
        inputs.push_back(input);
        try {
            name_outputs(plan, names, inputs, locks);
        } catch (const Error&) {
            inputs.pop_back();
            throw;
        }
    }
    std::vector<std::string> inputs;
    OutputPlan plan;
    OutputNames names;
    media::OutputLocks locks;
};

std::string why(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "nothing was thrown";
}

OutputOptions all_in(const TempFolder& folder) {
    OutputOptions options;
    options.more_inputs = true;
    options.jsonl = folder / "records/", options.mot = folder / "records/";
    options.video = folder / "videos/", options.pictures = folder / "pictures/", options.yolo = folder / "yolo/";
    return options;
}

}  // namespace

TEST_CASE("an input that comes later gets names that no other has had", "[outputs]") {
    const TempFolder folder;
    Run run(all_in(folder), {"rtsp://a/cam", "rtsp://b/door"});
    for (const char* input : {"rtsp://c/cam", "rtsp://a/cam", "classes", "rtsp://b/door-2", "rtsp://d/live/",
                              "rtsp://10.0.0.7:554/", "http://e/.."})
        run.add(input);
    const std::vector<std::string> expected = {"cam",    "door", "cam-2",        "cam-3", "classes",
                                               "door-2", "live", "10.0.0.7:554", "input"};
    for (std::size_t i = 0; i < expected.size(); ++i) {
        CHECK(run.names.records.at(0).at(i) == folder / ("records/" + expected[i] + ".jsonl"));
        CHECK(run.names.records.at(1).at(i) == folder / ("records/" + expected[i] + ".txt"));
        CHECK(run.names.videos.at(i) == folder / ("videos/" + expected[i] + ".mp4"));
        CHECK(run.names.picture_stems.at(i) == folder / ("pictures/" + expected[i]));
        const std::string label = expected[i] == "classes" ? "classes-2" : expected[i];  // beside classes.txt
        CHECK(run.names.label_stems.at(i) == folder / ("yolo/" + label));
        CHECK(run.names.frame_stems.at(i) == label);
    }
    CHECK_THROWS_AS(run.names.videos.at(expected.size()), std::out_of_range);
}

TEST_CASE("an input that would be written over, or cannot have its outputs, gets no names", "[outputs]") {
    const TempFolder folder;
    OutputOptions options = all_in(folder);
    std::filesystem::create_directory(folder / "videos");
    write_bytes(folder / "videos/mine.mp4", {1, 2, 3});
    Run run(options, {"rtsp://a/cam"});
    CHECK(why([&] { run.add(folder / "videos/mine.mp4"); }).find("mine.mp4") != std::string::npos);
    const TempFolder other;
    options = all_in(other);
    options.pictures = "";
    Run videos(options, {"rtsp://a/cam"});
    CHECK(why([&] { videos.add("a.jpg"); }).find("--pictures") != std::string::npos);
    for (const Run* with : {&run, &videos}) {
        CHECK(with->names.videos.size() == 1);
        CHECK(with->names.records.at(0).size() == 1);
        CHECK(with->names.frame_stems.size() == 1);
    }
    run.add("rtsp://a/other");
    CHECK(run.names.videos.at(1) == folder / "videos/other.mp4");
}

TEST_CASE("what takes one input takes a folder where others may come", "[outputs]") {
    const TempFolder folder;
    OutputOptions video, mot;
    video.more_inputs = mot.more_inputs = true;
    video.video = folder / "a.mp4", mot.mot = folder / "a.txt";
    for (const OutputOptions& options : {video, mot})
        CHECK(why([&] { plan_outputs(options, {"rtsp://a/cam"}, {}); }).find("name a folder") != std::string::npos);
}
