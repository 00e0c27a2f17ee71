// SPDX-License-Identifier: MIT
//
// The examples in C and a program in Python's ctypes find what C++ finds, bit for bit.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <convoy/media.hpp>
#include "tests/c_api/c_model.h"
#include "tests/support/catch.h"
#include "tests/support/in_time.h"
#include "tests/tools/child.h"

using namespace convoy;
using namespace convoy::test;

namespace {

/// What a run of C++ tells, as docs/examples/c/run.c prints it.
class Lines : public RunObserver {
public:
    void result(int input, Result& result) override {
        ++frames, boxes += result.detections.size();
        for (const Detection& d : result.detections)
            text += std::to_string(input) + " " + std::to_string(result.frame.index) + " " + lines_of({d});
    }
    std::string text;
    std::size_t frames = 0, boxes = 0;
};

/// The demo model of its own size: examples take no options.
Engine whole_engine() {
    EngineOptions options;
    options.device = "auto";
    return Engine(load_network(model_file("cfg"), model_file("weights")), options);
}

void write_clip(const std::string& path, const std::vector<media::Image>& images) {
    media::VideoFormat format;
    format.width = images[0].width, format.height = images[0].height;
    media::VideoWriter writer(path, format);
    for (std::size_t i = 0; i < images.size(); ++i) writer.write(images[i], double(i) / 25);
    writer.close();
}

/// Whether this process has a file open.
bool is_open(const std::string& path) {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return std::any_of(begin(all), end(all), [&](const auto& entry) {
        std::error_code ignored;
        return std::filesystem::read_symlink(entry.path(), ignored) == std::filesystem::canonical(path);
    });
}

}  // namespace

TEST_CASE("C and ctypes find the boxes of C++ in a picture") {
    const TemporaryFolder folder;
    const std::string picture = folder / "picture.png";
    const media::Image image = frames_of_clip(1)[0];
    media::write_image(picture, image);
    const std::string wanted = lines_of(make_engine().detect(rgb_frame(image.rgb.data(), image.width, image.height)));
    REQUIRE_FALSE(wanted.empty());

    SECTION("C11") {
        const Finished c = run(
            "c-picture", {model_file("cfg"), model_file("weights"), picture, "size=192", "device=cpu"}, folder.path());
        CHECK(c.err.empty());
        REQUIRE(c.status == 0);
        const std::vector<std::string> names = test::lines_of(read_file(source_file("models/coco.names")));
        std::string found;  // "person .9 at x y w h"; names may have spaces in them
        for (const std::string& line : test::lines_of(c.out)) {
            const std::size_t at = line.find(" at "), number = line.rfind(' ', at - 1);
            const auto name = std::find(names.begin(), names.end(), line.substr(0, number));
            REQUIRE(name != names.end());
            found +=
                std::to_string(name - names.begin()) + line.substr(number, at - number) + line.substr(at + 3) + "\n";
        }
        CHECK(found == wanted);
    }
    SECTION("ctypes") {
#ifdef CONVOY_SANITIZED
        SKIP_TEST_CASE("a library that was built with a sanitizer cannot be loaded into python3");
#endif
        if (std::string(PYTHON).empty()) SKIP_TEST_CASE("needs python3");
        const Finished python = run(PYTHON,
                                    {"-B", source_file("tests/c_api/ctypes_program.py"), LIBCONVOY_C, model_file("cfg"),
                                     model_file("weights"), picture, "192"},
                                    folder.path());
        CHECK(python.err.empty());
        REQUIRE(python.status == 0);
        CHECK(python.out == wanted);
    }
    SECTION("what is wrong is said, and the status tells") {
        const Finished c = run("c-picture", {"none.cfg", model_file("weights"), picture}, folder.path());
        CHECK(c.status == 1);
        CHECK(c.err.find("none.cfg") != std::string::npos);
    }
}

TEST_CASE("a run in C gives every frame of C++'s run") {
    const TemporaryFolder folder;
    const std::string clip = folder / "clip.mp4", picture = folder / "picture.png";
    const std::vector<media::Image> images = frames_of_clip(9);
    write_clip(clip, images);
    media::write_image(picture, images[8]);

    Engine engine = whole_engine();
    Lines lines;
    const std::atomic<bool> stop = false;
    std::vector<RunInput> inputs;
    for (const std::string& path : {clip, picture}) {
        inputs.emplace_back().open = [path](std::stop_token cancel) { return media::open_input(path, {}, cancel); };
    }
    engine.run(inputs, lines, stop);
    REQUIRE(lines.frames == 10);
    REQUIRE(lines.boxes > 10);

    const Finished c =
        run("c-run", {model_file("cfg"), model_file("weights"), clip, folder / "none.mp4", picture}, folder.path());
    CHECK(c.status == 1);  // for the missing input, which costs no other
    CHECK(c.err.find("none.mp4") != std::string::npos);
    std::string found;
    for (std::string line : test::lines_of(c.out)) {
        if (line.starts_with("input") || line.starts_with("whole")) continue;
        if (line[0] == '2') line[0] = '1';  // the missing one has a number, too
        found += line + "\n";
    }
    CHECK(found == lines.text);
    CHECK(c.out.find("whole video: 10 frames, " + std::to_string(lines.boxes) + " boxes") != std::string::npos);
}

TEST_CASE("an engine that is told of its inputs has the first open before the run, and runs these and others") {
    const TemporaryFolder folder;
    const std::string clip = folder / "clip.mp4", picture = source_file("docs/img/demo.jpg");
    write_clip(clip, frames_of_clip(9));
    const char *const paths[] = {clip.c_str(), picture.c_str()}, *const none[] = {"none.mp4"};
    convoy_options* options = nullptr;
    REQUIRE(convoy_options_create(&options) == CONVOY_OK);
    REQUIRE(convoy_options_set(options, "device", "cpu") == CONVOY_OK);
    CHECK(convoy_options_set_inputs(options, nullptr, 1) == CONVOY_ERROR_USAGE);
    CHECK(convoy_options_set_inputs(nullptr, paths, 2) == CONVOY_ERROR_USAGE);
    const std::string cfg = model_file("cfg"), weights = model_file("weights");
    convoy_engine* made = nullptr;
    REQUIRE(convoy_options_set_inputs(options, none, 1) == CONVOY_OK);
    CHECK(convoy_engine_create(&made, cfg.c_str(), weights.c_str(), nullptr, options) == CONVOY_ERROR_INPUT);
    CHECK(std::string(convoy_last_error()).find("none.mp4") != std::string::npos);
    REQUIRE(convoy_options_set_inputs(options, paths, 2) == CONVOY_OK);
    REQUIRE(convoy_engine_create(&made, cfg.c_str(), weights.c_str(), nullptr, options) == CONVOY_OK);
    const CEngine engine(made);
    convoy_options_destroy(options);
    in_time("the first input to be opened", [&] {
        while (!is_open(clip)) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    });

    int frames = 0;
    const convoy_callbacks callbacks = {sizeof callbacks, &frames, nullptr,
                                        [](void* data, const convoy_result*) {
                                            ++*static_cast<int*>(data);
                                            return 0;
                                        },
                                        nullptr};
    const auto frames_of = [&](std::size_t count) {
        frames = 0;
        REQUIRE(convoy_run(engine.get(), paths, count, &callbacks) == CONVOY_OK);
        return frames;
    };
    CHECK(frames_of(1) == 9);  // others than it was told of
    CHECK(is_open(clip));
    CHECK(frames_of(2) == 10);
    CHECK_FALSE(is_open(clip));
    CHECK(frames_of(2) == 10);  // again, with nothing open
}

TEST_CASE("raw frames from several threads of C") {
    const TemporaryFolder folder;
    const std::vector<media::Image> images = frames_of_clip(6);
    std::vector<std::string> arguments = {model_file("cfg"), model_file("weights"), std::to_string(images[0].width),
                                          std::to_string(images[0].height)};
    std::string wanted;
    Engine engine = whole_engine();
    for (int camera = 0; camera < 3; ++camera) {
        const std::string path = folder / ("raw" + std::to_string(camera));
        std::ofstream raw(path, std::ios::binary);
        std::size_t boxes = 0;
        for (int i = 0; i < 2; ++i) {
            const media::Image& image = images[std::size_t(2 * camera + i)];
            raw.write(reinterpret_cast<const char*>(image.rgb.data()), std::streamsize(image.rgb.size()));
            boxes += engine.detect(rgb_frame(image.rgb.data(), image.width, image.height)).size();
        }
        wanted += "camera " + std::to_string(camera) + ": 2 frames, " + std::to_string(boxes) + " boxes\n";
        arguments.push_back(path);
    }
    const Finished c = run("c-live", arguments, folder.path());
    CHECK(c.err.empty());
    CHECK(c.status == 0);
    CHECK(c.out == wanted);
}
