// SPDX-License-Identifier: MIT
#include <convoy/media/run_inputs.h>

#include <algorithm>
#include <filesystem>

#include <convoy/load.h>
#include "tests/support/catch.h"
#include "tests/tools/child.h"
#include "tests/tools/media_files.h"

using namespace convoy;
using media::RunInputs;

namespace {

/// Descriptors of this process that a file is open under.
std::ptrdiff_t times_open(const std::string& path) {
    const auto target = std::filesystem::canonical(path);
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return std::count_if(begin(all), end(all), [&](const auto& entry) {
        std::error_code ignored;
        return std::filesystem::read_symlink(entry.path(), ignored) == target;
    });
}

RunInputs inputs_of(const std::vector<std::string>& paths, const media::InputOptions& options = {}) {
    return RunInputs({paths, {}, {}, {}}, options);
}

std::int64_t frames_of(Input& input) {
    const auto reader = input.make_reader({});
    std::int64_t frames = 0;
    while (const auto segment = input.next_segment())
        for (reader->open(segment); reader->next();) ++frames;
    return frames;
}

}  // namespace

TEST_CASE("a first input that is opened early is whole, and is closed by whoever took it") {
    RunInputs inputs = inputs_of({test::clip()});
    EngineOptions engine;
    inputs.open_first(engine, {8, 0, 0});
    CHECK(engine.expected_frames() == 240);  // it is open from here on
    CHECK(times_open(test::clip()) == 1);
    std::unique_ptr<Input> input = inputs.list()[0].open({});
    CHECK(times_open(test::clip()) == 1);
    CHECK(engine.early_reader({}));  // which are made while the first are at work
    CHECK(frames_of(*input) == 240);
    CHECK(engine.early_reader({}));
    CHECK(times_open(test::clip()) == 1);
    input.reset();
    CHECK(times_open(test::clip()) == 0);  // or whoever writes into a pipe would wait for the end of the run
    CHECK(engine.early_reader({}) == nullptr);
    CHECK(inputs.expected_frames() == 0);
    // The next run opens it anew.
    CHECK(frames_of(*inputs.list()[0].open({})) == 240);
}

TEST_CASE("the hooks of an engine outlive the inputs that they came from") {
    EngineOptions engine;
    inputs_of({test::clip()}).open_first(engine);
    CHECK(engine.expected_frames() == 240);
    CHECK(engine.early_reader({}));
}

TEST_CASE("what is known of inputs ahead of their run, and so many readers as are worth their making") {
    EngineOptions engine;
    const auto readers = [&](const std::vector<std::string>& paths, const RunThreads& threads = {}) {
        RunInputs inputs = inputs_of(paths);
        inputs.open_first(engine, threads);
        int made = 0;
        while (made < 10 && engine.early_reader({})) ++made;
        return made;
    };
    CHECK(readers({test::clip()}) == 3);
    CHECK(readers({test::clip()}, {2, 0, 0}) == 2);
    CHECK(readers({test::clip(), "other.mp4"}) == 10);  // nobody knows how many frames there will be
    CHECK(engine.expected_frames() == 0);
    CHECK(readers({"missing.mp4"}) == 0);
    CHECK(engine.expected_frames() == 0);
    CHECK(readers({"a.jpg", "b.png"}) == 0);
    CHECK(engine.expected_frames() == 2);
    media::InputOptions three;
    three.frames = 3;  // which of its segments that takes shows when it is read
    RunInputs few = inputs_of({test::clip()}, three);
    few.open_first(engine);
    CHECK(engine.expected_frames() == 0);
}

TEST_CASE("recordings share lanes, what may be live has one of its own, and what is refused is not opened") {
    const RunInputs inputs({{test::clip(), "rtsp://camera/1", test::clip(), "list.txt", "https://host/clip.mp4"},
                            {{3, "list.txt: names nothing"}},
                            {},
                            {}},
                           {}, 2);
    std::vector<std::size_t> opened;
    const std::vector<RunInput> list = inputs.list([&](std::size_t input) { opened.push_back(input); });
    std::vector<int> lanes;
    for (const RunInput& input : list) lanes.push_back(input.lane);
    CHECK(lanes == std::vector{0, 2, 1, 0, 3});
    CHECK(frames_of(*list[2].open({})) == 240);
    try {
        list[3].open({});
        FAIL("it was opened");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::input);
        CHECK(std::string(error.what()) == "list.txt: names nothing");
    }
    CHECK(opened == std::vector<std::size_t>{2, 3});
}

TEST_CASE("a first input that is live or refused is left to its turn") {
    EngineOptions engine;
    inputs_of({"/dev/video9", test::clip()}).open_first(engine);
    RunInputs({{test::clip(), test::clip()}, {{0, "no"}}, {}, {}}).open_first(engine);
    CHECK_FALSE(engine.expected_frames);
    CHECK_FALSE(engine.early_reader);
    CHECK(times_open(test::clip()) == 0);
}

TEST_CASE("an error of opening ahead comes in the run, at its turn, and the next run tries again") {
    const test::TempFolder folder;
    const std::string path = folder / "clip.mp4";
    RunInputs inputs = inputs_of({path});
    EngineOptions engine;
    inputs.open_first(engine);
    CHECK(engine.expected_frames() == 0);
    CHECK_THROWS_AS(inputs.list()[0].open({}), Error);
    std::filesystem::copy_file(test::clip(), path);
    CHECK(frames_of(*inputs.list()[0].open({})) == 240);
}

TEST_CASE("no inputs, and no lane, are a usage error") {
    CHECK_THROWS_AS(inputs_of({}), Error);
    CHECK_THROWS_AS(RunInputs({{test::clip()}, {}, {}, {}}, {}, 0), Error);
}

TEST_CASE("an engine on the CPU takes as many decoders as it likes") {
    EngineOptions options;
    options.device = "cpu";
    RunInputs inputs = inputs_of({test::clip()});
    inputs.open_first(options);
    const std::string model = test::source_file("models/yolov3-quarter");
    const Engine engine(load_network(model + ".cfg", model + ".weights"), options);
    CHECK(inputs.threads(engine).decoders == 0);
    CHECK(inputs.threads(engine, {4, 0, 0}).decoders == 4);
}
