// SPDX-License-Identifier: MIT
#include "tests/tools/yolo_run_support.h"

#include <sys/stat.h>

#include <chrono>
#include <thread>

#include <convoy/media/image.h>
#include <convoy/media/source.h>
#include "tests/support/catch.h"

using nlohmann::json;
namespace fs = std::filesystem;

namespace convoy::test {

std::string clip() { return source_file("models/pedestrians.mp4"); }

Finished yolo_run(const TemporaryFolder& folder, Arguments arguments, bool with_model) {
    if (with_model) arguments.insert(arguments.end(), {"--model", source_file("models/yolov3-quarter")});
    return run("yolo-run", arguments, folder.path());
}

Arguments with_small_model(Arguments arguments) {
    arguments.insert(arguments.end(), {"--model", source_file("models/yolov3-quarter"), "--size", "96"});
    return arguments;
}

std::vector<json> records_in(const std::string& text) {
    std::vector<json> records;
    for (const std::string& line : lines_of(text)) records.push_back(json::parse(line));
    return records;
}

std::int64_t frames_in_video(const std::string& path) {
    const auto source = media::open_source(path);
    std::int64_t frames = 0;
    while (source->next()) ++frames;
    CHECK(source->damaged() == 0);
    return frames;
}

void save_frame(const std::string& path, int index) {
    const auto source = media::open_source(clip());
    for (int i = 0; i < index; ++i) source->next();
    const std::optional<Frame> frame = source->next();
    REQUIRE(frame.has_value());
    media::Image image{frame->pixels.width, frame->pixels.height, {}};
    for (int y = 0; y < image.height; ++y) {
        const std::uint8_t* row = frame->pixels.plane[0] + std::ptrdiff_t(y) * frame->pixels.pitch[0];
        image.rgb.insert(image.rgb.end(), row, row + std::ptrdiff_t(image.width) * 3);
    }
    media::write_image(path, image);
}

std::string make_fifo(const std::string& path) {
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    return path;
}

void wait_until(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!done() && std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

std::size_t files_in(const fs::path& folder) {
    return std::size_t(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

void check_failure(const Finished& finished, int status, const std::string& part) {
    INFO("expected status " << status << " and '" << part << "' in: " << finished.err);
    CHECK(finished.status == status);
    CHECK(finished.err.find("yolo-run: error: ") != std::string::npos);
    CHECK(contains(finished.err, part));
    CHECK(finished.out.empty());
}

}  // namespace convoy::test
