// SPDX-License-Identifier: MIT
#include "tools/sinks/annotate_work.h"

#include <algorithm>
#include <thread>

#include "tests/support/catch.h"
#include "tests/tools/sink_parts.h"
#include "tests/tools/video_packets.h"
#include "tools/media/out/rgb_to_nv12.h"
#include "tools/sinks/contact_sheet_sink.h"
#include "tools/sinks/make_sinks.h"
#include "tools/sinks/picture_files_sink.h"

using namespace convoy;
using namespace convoy::test;
using namespace convoy::tools;

namespace {

constexpr int kWidth = 96, kHeight = 64;

/// A frame with a box, its rows wider than the picture.
void draw(AnnotateWork& work, int number) {
    const media::Image image = synthetic(kWidth, kHeight, number);
    const int pitch = kWidth * 3 + 32;
    Bytes rows(std::size_t(pitch) * kHeight);
    for (int y = 0; y < kHeight; ++y) std::copy_n(image.row(y), kWidth * 3, rows.begin() + y * pitch);
    Result result;
    result.frame.pixels.plane[0] = rows.data();
    result.frame.pixels.pitch[0] = pitch;
    result.frame.pixels.width = kWidth;
    result.frame.pixels.height = kHeight;
    result.detections = {{0, .9f, {30, 30, 40, 20}}};
    result.latency_ms = 7.4;
    work.frame(result);
}

Sinks all_sinks(const TempFolder& folder) {
    OutputPlan plan;
    plan.videos = {folder / "v.mp4"};
    plan.picture_stems = {folder / "v"};
    plan.contact_sheet = folder / "sheet.png";
    return make_sinks(plan, {});
}

/// A run of 5 parts of 8 frames, on as many threads or one after the other.
void run(const TempFolder& folder, bool at_once, WorkClocks* clocks) {
    constexpr int kParts = 5, kFrames = 8;
    Sinks sinks = all_sinks(folder);
    std::vector<std::unique_ptr<AnnotateWork>> works(kParts);
    const auto make = [&](int i) {
        works[std::size_t(i)] = AnnotateWork::begin(sinks.pictures, 0, video_input("v.mp4"), 1, {"person"}, {}, clocks);
        for (int n = 0; n < kFrames; ++n) draw(*works[std::size_t(i)], i * kFrames + n);
        works[std::size_t(i)]->end();
    };
    std::vector<std::jthread> threads(kParts);
    if (at_once)
        for (int i = kParts; i-- > 0;) threads[std::size_t(i)] = std::jthread(make, i);
    for (int i = 0; i < kParts; ++i) {  // appended while the parts behind are still being made
        if (at_once)
            threads[std::size_t(i)].join();
        else
            make(i);
        works[std::size_t(i)]->append(places(i * kFrames, kFrames));
    }
    for (const auto& sink : sinks.pictures) {
        sink->end_input(0, true);
        sink->close();
    }
}

}  // namespace

TEST_CASE("a picture is drawn on as it came, and is RGB for whoever asks", "[work]") {
    const media::Image image = synthetic(kWidth, kHeight, 3);
    media::Nv12Image nv12;
    nv12.matrix = ColorMatrix::bt601;
    media::rgb_to_nv12(image, nv12);
    const Bytes before = nv12.bytes;
    media::Annotator annotator({"person"});
    DrawnPicture picture;
    const auto draw = [&](const Frame& frame) {
        Result result;
        result.frame = frame;
        result.detections = {{0, .9f, {30, 30, 40, 20}}};
        result.latency_ms = 1;
        picture.draw(result, annotator, {});
    };
    draw(rgb_frame(image.rgb.data(), kWidth, kHeight));
    CHECK(picture.nv12() == nullptr);
    const media::Image of_rgb = picture.image();
    Frame planar;
    planar.pixels = nv12.view();
    draw(planar);
    REQUIRE(picture.nv12());
    CHECK(nv12.bytes == before);  // whoever made it may still need it
    CHECK(picture.nv12()->bytes != before);
    CHECK(picture.nv12()->matrix == ColorMatrix::bt601);
    media::Image expected;
    media::ImageConverter().convert(picture.nv12()->view(), expected);
    CHECK(picture.image().rgb == expected.rgb);
    draw(rgb_frame(image.rgb.data(), kWidth, kHeight));
    CHECK(picture.image().rgb == of_rgb.rgb);
}

TEST_CASE("segments drawn and encoded at once give what a sequence gives", "[work]") {
    const TempFolder one, many;
    WorkClocks clocks;
    run(one, false, nullptr);
    run(many, true, &clocks);
    CHECK(one.names() == many.names());
    CHECK(one.names().size() == 42);  // 40 pictures, a video, a sheet
    for (const std::string& name : one.names()) {
        CAPTURE(name);
        CHECK(read_bytes(one / name) == read_bytes(many / name));
    }
    CHECK(packets_of(many / "v.mp4").size() == 40);
    const media::Image drawn = media::read_image(many / "v-000017.jpg");
    CHECK(psnr(drawn, synthetic(kWidth, kHeight, 17)) < 25);  // box, label and caption
    CHECK(clocks.draw.stats().count == 40);
    CHECK(clocks.encode.stats().count == 45);  // each part's end, too
}

TEST_CASE("pictures and the sheet show pixels that are not square as players do", "[work]") {
    InputInfo wide = video_input("v.mp4");
    wide.pixel_width = 64, wide.pixel_height = 45;
    const bool shared = GENERATE(false, true);
    CAPTURE(shared);
    const TempFolder folder;
    OutputPlan plan;
    plan.picture_stems = {folder / "v"};
    plan.contact_sheet = folder / "sheet.png";
    if (shared) plan.encoding.encoder = media::EncoderChoice::jpeg;
    Sinks sinks = make_sinks(plan, {});
    const auto work = AnnotateWork::begin(sinks.pictures, 0, wide, 1, {"person"}, {}, nullptr);
    draw(*work, 1);
    work->end();
    work->append(places(0, 1));
    for (const auto& sink : sinks.pictures) sink->close();
    const media::Image drawn = media::read_image(folder / "v-000000.jpg");
    CHECK(drawn.width == 137);
    CHECK(drawn.height == kHeight);
    CHECK(psnr(drawn, media::with_square_pixels(synthetic(kWidth, kHeight, 1), 64, 45)) > 12);
    const media::Image sheet = media::read_image(folder / "sheet.png");
    CHECK(sheet.height < 280);  // 224 of the picture, not 320
}

TEST_CASE("an input that no sink takes needs no work", "[work]") {
    const TempFolder folder;
    OutputPlan plan;
    plan.picture_stems = {folder / "v"};
    plan.by_kind = true;
    const Sinks sinks = make_sinks(plan, {});
    CHECK(AnnotateWork::begin(sinks.pictures, 0, video_input("v.mp4"), 1, {}, {}, nullptr) == nullptr);
    InputInfo picture;
    picture.path = "v.jpg";
    CHECK(AnnotateWork::begin(sinks.pictures, 0, picture, 1, {}, {}, nullptr) != nullptr);
}

TEST_CASE("a work that a stopped run drops leaves nothing", "[work]") {
    const TempFolder folder;
    {
        Sinks sinks = all_sinks(folder);
        const auto work = AnnotateWork::begin(sinks.pictures, 0, video_input("v.mp4"), 1, {}, {}, nullptr);
        for (int n = 0; n < 4; ++n) draw(*work, n);
        CHECK(folder.names().size() == 2);  // an unfinished video, a folder of unnamed pictures
    }
    CHECK(folder.names().empty());
}
