// SPDX-License-Identifier: MIT
#include <convoy/media/input.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <convoy/media/video_writer.h>
#include "tests/support/catch.h"
#include "tests/tools/media_files.h"
#include "tests/tools/segment_frames.h"

using namespace convoy;
using namespace convoy::test;
using media::Image;

TEST_CASE("the shipped clip is cut, and its frames are there", "[input]") {
    const auto input = media::open_input(clip());
    CHECK(input->info().is_video);
    CHECK(input->info().width == 768);
    CHECK(input->info().height == 576);
    CHECK(input->info().frames_estimate == 240);
    const auto reader = input->make_reader({});
    std::int64_t frames = 0;
    while (const auto segment = input->next_segment()) {
        CHECK(segment->bytes() > 0);
        reader->open(segment);
        while (const auto frame = reader->next()) {
            CHECK(std::fabs(frame->time_s - double(frames++) * .1) < 1e-6);
            CHECK(frame->pixels.format == PixelFormat::nv12);
            CHECK(frame->owner);
        }
        CHECK(reader->notes().damaged == 0);
        CHECK(reader->notes().fallback.empty());
        CHECK_FALSE(reader->next());
    }
    CHECK(frames == 240);
    CHECK_FALSE(input->next_segment());
    CHECK(input->notes().damaged == 0);
}

TEST_CASE("of several video streams the one is read that is asked for", "[input]") {
    const TempFolder folder;
    const std::string path = folder / "two.mkv";
    if (!make_video("-f lavfi -i testsrc2=size=160x128:rate=25:duration=1 -f lavfi -i sine=d=1 "
                    "-f lavfi -i testsrc=size=96x64:rate=10:duration=1 -map 0 -map 1 -map 2 -vf setsar=4/3 -c:v mpeg4 ",
                    path))
        return;
    const auto frames_of = [&](int stream) {
        media::InputOptions options;
        options.stream = stream;
        const auto input = media::open_input(path, options);
        const auto reader = input->make_reader({});
        std::vector<int> widths;
        while (const auto segment = input->next_segment())
            for (reader->open(segment); const auto frame = reader->next();) widths.push_back(frame->pixels.width);
        CHECK(input->remark().find("of those from 0 to 1") != std::string::npos);
        CHECK(input->info().video_stream == (stream == 1 ? 2 : 0));
        CHECK(input->info().pixel_width == 4);
        CHECK(input->info().pixel_height == 3);
        return widths;
    };
    CHECK(frames_of(-1) == std::vector<int>(25, 160));
    CHECK(frames_of(0) == std::vector<int>(25, 160));
    CHECK(frames_of(1) == std::vector<int>(10, 96));
    media::InputOptions none;
    none.stream = 2;
    const Error error = error_of([&] { media::open_input(path, none); });
    CHECK(error.kind() == ErrorKind::input);
    CHECK(std::string(error.what()).find("has no video stream 2; its last one is number 1") != std::string::npos);
    CHECK(media::open_input(clip())->remark().empty());
}

TEST_CASE("a broadcast that goes over to another shape of its pixels says so frame by frame", "[input]") {
    const TempFolder folder;
    const std::string source = "-f lavfi -i testsrc2=size=720x576:rate=25:duration=1 -g 12 ";
    for (const std::string codec : {"mpeg2video", "libx264"}) {
        CAPTURE(codec);
        const auto part = [&](const std::string& shape) {
            const std::string path = folder / "part.ts";
            if (!make_video(source + "-vf setsar=" + shape + " -c:v " + codec, path)) return Bytes();
            return read_bytes(path);
        };
        Bytes both = part("16/15");
        const Bytes wide = part("64/45");
        if (both.empty() || wide.empty()) return;
        both.insert(both.end(), wide.begin(), wide.end());
        write_bytes(folder / "both.ts", both);
        const auto input = media::open_input(folder / "both.ts");
        CHECK(input->info().pixel_width * 15 == input->info().pixel_height * 16);
        const auto reader = input->make_reader({});
        int usual = 0, of_their_own = 0;
        while (const auto segment = input->next_segment())
            for (reader->open(segment); const auto frame = reader->next();) {
                const bool is_wide = frame->pixel_width * 45 == frame->pixel_height * 64;
                ++(frame->pixel_width == 0 ? usual : of_their_own);
                CHECK((frame->pixel_width == 0 || is_wide));
                CHECK((frame->pixel_width == 0 || usual >= 24));
            }
        CHECK(usual >= 24);
        CHECK(of_their_own >= 24);
        CHECK(usual + of_their_own >= 49);
    }
}

TEST_CASE("frames and readers outlive their input, segments can be left half read", "[input]") {
    std::unique_ptr<SegmentReader> reader;
    std::shared_ptr<const Segment> segment;
    {
        const auto input = media::open_input(clip());
        reader = input->make_reader({});
        segment = input->next_segment();
    }
    std::vector<Frame> frames;
    reader->open(segment);
    for (int i = 0; i < 5; ++i) frames.push_back(*reader->next());
    const std::vector<FrameMark> again = read_segment(*reader, segment);
    reader.reset();
    segment.reset();
    for (std::size_t i = 0; i < frames.size(); ++i) CHECK(mark_of(frames[i]).hash == again[i].hash);
}

TEST_CASE("a cancelled input ends", "[input]") {
    std::stop_source cancel;
    const auto input = media::open_input(clip(), {}, cancel.get_token());
    cancel.request_stop();
    CHECK_FALSE(input->next_segment());
}

TEST_CASE("a picture is an input of one segment", "[input]") {
    const TempFolder folder;
    const Image image = synthetic(37, 21, 4);
    media::write_image(folder / "p.png", image);
    const auto input = media::open_input(folder / "p.png");
    CHECK_FALSE(input->info().is_video);
    const auto segment = input->next_segment();
    REQUIRE(segment);
    CHECK(segment->kind() == SegmentKind::closed);
    CHECK_FALSE(input->next_segment());
    const auto reader = input->make_reader({});
    for (int i = 0; i < 2; ++i) {
        reader->open(segment);
        const auto frame = reader->next();
        REQUIRE(frame);
        CHECK(copy_of(*frame).rgb == image.rgb);
        CHECK_FALSE(reader->next());
    }
    write_bytes(folder / "q.jpg", {1, 2, 3});
    const auto broken = media::open_input(folder / "q.jpg");
    reader->open(broken->next_segment());
    const Error error = error_of([&] { reader->next(); });
    CHECK(error.kind() == ErrorKind::input);
    CHECK(std::string(error.what()).find("q.jpg") != std::string::npos);
    CHECK(error_of([&] { media::open_input(folder / "none.jpg"); }).kind() == ErrorKind::input);
}

TEST_CASE("a video without one frame is refused, a foreign segment too", "[input]") {
    const TempFolder folder;
    Bytes bytes = read_bytes(clip());
    const std::string name = "mdat";
    const auto data = std::search(bytes.begin(), bytes.end(), name.begin(), name.end());
    REQUIRE(data != bytes.end());
    std::fill(data + 4, bytes.end(), std::uint8_t(0));
    write_bytes(folder / "nothing.mp4", bytes);
    const Error error = error_of([&] { media::open_input(folder / "nothing.mp4"); });
    CHECK(error.kind() == ErrorKind::input);
    CHECK(std::string(error.what()).find("not one frame") != std::string::npos);
    const auto a = media::open_input(clip()), b = media::open_input(clip());
    const auto reader = a->make_reader({});
    CHECK(error_of([&] { reader->open(b->next_segment()); }).kind() == ErrorKind::usage);
}

TEST_CASE("an input adopts a reader of its own kind and no other", "[input]") {
    const TempFolder folder;
    media::write_image(folder / "p.png", Image{2, 2, std::vector<std::uint8_t>(12)});
    media::VideoFormat small;
    small.width = small.height = 64;
    {
        media::VideoWriter writer(folder / "small.mp4", small);
        writer.write(Image{64, 64, std::vector<std::uint8_t>(64 * 64 * 3, 50)}, 0);
        writer.close();
    }
    std::filesystem::copy_file(clip(), folder / "same.mp4");
    const auto a = media::open_input(clip()), same = media::open_input(folder / "same.mp4");
    const auto other = media::open_input(folder / "small.mp4"), picture = media::open_input(folder / "p.png");
    const auto reader = a->make_reader({}), of_picture = picture->make_reader({});
    CHECK_FALSE(other->adopt_reader(*reader));
    CHECK_FALSE(picture->adopt_reader(*reader));
    CHECK_FALSE(a->adopt_reader(*of_picture));
    const auto segment = a->next_segment();
    const std::vector<FrameMark> expected = read_segment(*reader, segment);  // still its own
    reader->open(segment);
    CHECK(reader->next());  // and leaves it in the middle
    CHECK(same->adopt_reader(*reader));
    CHECK(difference(read_segment(*reader, same->next_segment()), expected) == "");
    CHECK(error_of([&] { reader->open(segment); }).kind() == ErrorKind::usage);
}

TEST_CASE("a video that is cut short says so, whoever reads its segments", "[input]") {
    const TempFolder folder;
    const Bytes whole = read_bytes(clip());
    write_bytes(folder / "cut.mp4", Bytes(whole.begin(), whole.begin() + std::ptrdiff_t(whole.size() / 2)));
    const auto input = media::open_input(folder / "cut.mp4");
    std::int64_t frames = 0;
    const auto reader = input->make_reader({});
    while (const auto segment = input->next_segment()) frames += std::int64_t(read_segment(*reader, segment).size());
    CHECK(frames > 50);
    CHECK(frames < 240);
    CHECK(input->notes().damaged > 0);
    CHECK(input->notes().first_damage.find("cut.mp4") != std::string::npos);
}
