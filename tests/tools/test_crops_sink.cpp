// SPDX-License-Identifier: MIT
#include "tools/sinks/crops_sink.h"

#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"
#include "tests/tools/child.h"
#include "tests/tools/sink_parts.h"
#include "tools/media/unfinished.h"
#include "tools/sinks/annotate_work.h"

using namespace convoy;
using namespace convoy::tools;
namespace fs = std::filesystem;

namespace {

struct Shown {
    std::vector<Detection> detections;
    std::vector<std::int64_t> tracks;
};

/// Frames of 64×48 pixels, red in the box of the first detection, blue around it, through a work of all that is drawn.
void run(CropsSink& crops, const InputInfo& info, const std::vector<Shown>& frames, int pixel_width = 1) {
    std::vector<std::unique_ptr<PictureSink>> sinks;
    struct Borrowed : PictureSink {
        explicit Borrowed(CropsSink& sink) : to(sink) {}
        std::unique_ptr<Part> begin_part(int i, const InputInfo& in, int t) override { return to.begin_part(i, in, t); }
        bool wants_drawing() const override { return to.wants_drawing(); }
        void append(Part& part, std::span<const FramePlace> places) override { to.append(part, places); }
        std::vector<std::string> outputs() const override { return to.outputs(); }
        CropsSink& to;
    };
    sinks.push_back(std::make_unique<Borrowed>(crops));
    const auto work = AnnotateWork::begin(sinks, 0, info, 1, {}, {}, nullptr);
    std::vector<FramePlace> places;
    for (const Shown& shown : frames) {
        std::vector<std::uint8_t> rgb(std::size_t(64 * 48 * 3));
        for (int y = 0; y < 48; ++y)
            for (int x = 0; x < 64; ++x) {
                const bool inside = !shown.detections.empty() && x >= 16 && x < 32 && y >= 8 && y < 32;
                rgb[std::size_t((y * 64 + x) * 3 + (inside ? 0 : 2))] = 255;
            }
        Result result;
        result.frame = rgb_frame(rgb.data(), 64, 48);
        result.frame.pixel_width = pixel_width, result.frame.pixel_height = 1;
        result.detections = shown.detections;
        for (std::size_t i = 0; i < shown.tracks.size(); ++i) result.detections.at(i).track = shown.tracks[i];
        work->frame(result);
        places.push_back({std::int64_t(places.size()), 0, 0});
    }
    work->end();
    work->append(places);
    crops.end_input(0, true);
}

const Box kBox = {16, 8, 16, 24};

std::vector<std::string> files_below(const std::string& folder) {
    std::vector<std::string> files;
    for (const auto& file : fs::recursive_directory_iterator(folder))
        if (file.is_regular_file()) files.push_back(fs::relative(file.path(), folder).string());
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace

TEST_CASE("crops have the undrawn pixels of their boxes, in a folder by class") {
    const test::TemporaryFolder folder;
    fs::create_directory(folder / "person");
    std::ofstream(folder / ("person/" + media::unfinished_prefix("old.jpg") + "1-0.part"))
        << "of a run that was killed";
    CropsSink sink(folder.path().string() + "/", {{"person", "../a/b"}, FrameNames({"street"})});
    run(sink, test::video_input("street.mp4"),
        {{{{0, .5f, kBox}, {1, .5f, {60, 40, 4, 8}}, {2, .5f, {3.5f, 4.25f, .5f, .5f}}}, {0, 0, 0}},
         {},
         {{{0, .5f, kBox}}, {0}}});
    CHECK(files_below(folder.path()) == std::vector<std::string>{"2/street-000000-3.jpg", "_.._a_b/street-000000-2.jpg",
                                                                 "person/street-000000-1.jpg",
                                                                 "person/street-000002-1.jpg"});
    const media::Image crop = media::read_image(folder / "person/street-000000-1.jpg");
    CHECK(crop.width == 16);
    CHECK(crop.height == 24);
    for (const int y : {0, 12, 23})
        for (const int x : {0, 8, 15}) {
            INFO(x << ", " << y);
            CHECK(crop.row(y)[3 * x] > 240);
            CHECK(crop.row(y)[3 * x + 2] < 15);
        }
    CHECK(media::read_image(folder / "2/street-000000-3.jpg").width == 1);
    CHECK(sink.outputs() == std::vector<std::string>{folder.path().string() + "/"});
}

TEST_CASE("crops of pixels that are not square have the shape that is shown") {
    const test::TemporaryFolder folder;
    CropsSink sink(folder.path().string() + "/", {{"person"}, FrameNames({"street"})});
    run(sink, test::video_input("street.mp4"), {{{{0, .5f, kBox}}, {0}}}, 2);
    const media::Image crop = media::read_image(folder / "person/street-000000-1.jpg");
    CHECK(crop.width == 32);
    CHECK(crop.height == 24);
}

TEST_CASE("of a track there is its best sight alone") {
    const test::TemporaryFolder folder;
    CropsSink sink(folder.path().string() + "/", {{"person"}, FrameNames({"street"})});
    const auto sight = [](float confidence, float size) {
        return Shown{{{0, confidence, {16, 8, size, size}}, {0, .5f, kBox}}, {7, 0}};
    };
    run(sink, test::video_input("street.mp4"),
        {sight(.5f, 8), sight(.75f, 10), sight(.75f, 12), sight(.75f, 11), sight(.6f, 20)});
    std::vector<std::string> files = files_below(folder.path());
    CHECK(files.size() == 6);
    CHECK(files.back() == "person/street-track7.jpg");
    CHECK(media::read_image(folder / "person/street-track7.jpg").width == 12);
}

TEST_CASE("crops that cannot be placed are an error, and leave nothing unfinished") {
    const test::TemporaryFolder folder;
    test::write_file(folder / "person", "no folder");
    {
        CropsSink sink(folder.path().string() + "/", {{"person"}, FrameNames({"street"})});
        CHECK_THROWS_AS(run(sink, test::video_input("street.mp4"), {{{{0, .5f, kBox}}, {0}}}), Error);
        CHECK(sink.outputs().empty());
    }
    CHECK(files_below(folder.path()) == std::vector<std::string>{"person"});
}
