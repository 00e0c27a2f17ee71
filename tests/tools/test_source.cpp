// SPDX-License-Identifier: MIT
#include <convoy/media/source.h>

#include <cmath>
#include <filesystem>
#include <set>

#include "tests/support/catch.h"
#include "tests/support/data.h"
#include "tests/tools/media_files.h"
#include "tests/tools/turn_video.h"

using namespace convoy;
using namespace convoy::test;
using media::Image;

namespace {

std::vector<Frame> all_frames(const std::string& path) {
    const auto source = media::open_source(path);
    std::vector<Frame> frames;
    while (auto frame = source->next()) frames.push_back(*frame);
    CHECK(source->damaged() == 0);
    CHECK(source->first_damage().empty());
    CHECK_FALSE(source->next());
    return frames;
}

/// Largest difference between a frame and raw RGB.
int worst(const Frame& frame, const std::uint8_t* rgb, std::string& where) {
    int most = -1;
    for (int y = 0; y < frame.pixels.height; ++y)
        for (int x = 0; x < frame.pixels.width * 3; ++x) {
            const int a = frame.pixels.plane[0][std::ptrdiff_t(y) * frame.pixels.pitch[0] + x];
            const int e = rgb[std::size_t(y) * frame.pixels.width * 3 + x];
            if (std::abs(a - e) <= most) continue;
            most = std::abs(a - e);
            where = "frame " + std::to_string(frame.index) + ", y " + std::to_string(y) + ", x " +
                    std::to_string(x / 3) + ": " + std::to_string(a) + ", expected " + std::to_string(e);
        }
    return most;
}

}  // namespace

TEST_CASE("the shipped clip decodes to its frames and times", "[source]") {
    const auto source = media::open_source(clip());
    const media::SourceInfo& info = source->info();
    CHECK(info.path == clip());
    CHECK(info.is_video);
    CHECK(info.width == 768);
    CHECK(info.height == 576);
    CHECK(double(info.fps_num) / info.fps_den == 10);
    CHECK(info.frames_estimate == 240);
    CHECK(std::fabs(info.duration_s - 24) < .001);
    std::int64_t n = 0;
    std::set<const std::uint8_t*> buffers;
    while (const auto frame = source->next()) {
        CHECK(frame->index == n);
        CHECK(std::fabs(frame->time_s - double(n) * .1) < 1e-6);
        CHECK(frame->pixels.format == PixelFormat::rgb8);
        CHECK(frame->pixels.width == 768);
        CHECK(frame->pixels.pitch[0] >= 768 * 3);
        CHECK(frame->owner);
        buffers.insert(frame->pixels.plane[0]);
        ++n;
    }
    CHECK(n == 240);
    CHECK(buffers.size() <= 2);  // recycled
    CHECK(source->damaged() == 0);
}

TEST_CASE("frames outlive their source", "[source]") {
    std::vector<Frame> frames;
    {
        const auto source = media::open_source(clip());
        for (int i = 0; i < 5; ++i) frames.push_back(*source->next());
    }
    const auto again = media::open_source(clip());
    for (const Frame& frame : frames) CHECK(copy_of(frame).rgb == copy_of(*again->next()).rgb);
}

TEST_CASE("pixels are those that ffmpeg gives", "[source]") {
    if (!has_ffmpeg()) {
        WARN("skipped: ffmpeg is not installed");
        return;
    }
    const TempFolder folder;
    const auto compare = [](const std::string& path, const std::string& options, int bound) {
        const Bytes raw =
            output_of("ffmpeg -i '" + path + "' -frames:v 12 " + options + " -f rawvideo -pix_fmt rgb24 -");
        const auto source = media::open_source(path);
        const std::size_t size = std::size_t(source->info().width) * source->info().height * 3;
        REQUIRE(raw.size() >= size);
        for (std::size_t i = 0; (i + 1) * size <= raw.size(); ++i) {
            const auto frame = source->next();
            REQUIRE(frame);
            std::string where;
            const int most = worst(*frame, raw.data() + i * size, where);
            INFO(path << ": worst at " << where);
            CHECK(most <= bound);
        }
    };
    compare(clip(), "", 2);
    const std::string person = data_or_skip("/videos/one-by-one-person-detection.mp4");
    if (!person.empty()) compare(person, "", 2);
    // Other formats go through other code in libswscale; ffmpeg's own filter chain is the reference for the matrix.
    for (const char* format : {"yuv444p", "yuv422p10le", "gray", "yuv420p10le", "gbrp"}) {
        const std::string path = folder / (std::string(format) + ".mkv");
        if (make_video("-i '" + clip() + "' -frames:v 4 -c:v ffv1 -pix_fmt " + format, path))
            compare(path, "-vf scale=in_color_matrix=bt601:flags=bilinear", 2);
    }
}

TEST_CASE("the colour matrix and range that a stream states are honoured", "[source]") {
    const TempFolder folder;
    // The same colour, stored by different rules, comes out the same; by the wrong matrix green and red move by 15 and
    // more.
    const std::string colour = "-f lavfi -i color=c=0xC83C28:s=64x64:d=0.2:r=10 -vf scale=out_color_matrix=";
    const std::pair<const char*, const char*> rules[] = {
        {"bt601:out_range=tv", "-colorspace smpte170m -color_range tv"},
        {"bt709:out_range=tv", "-colorspace bt709 -color_range tv"},
        {"bt709:out_range=pc", "-colorspace bt709 -color_range pc"},
        {"bt601:out_range=tv", ""}};
    int number = 0;
    for (const auto& [how, tags] : rules) {
        const std::string path = folder / (std::to_string(number++) + ".mkv");
        if (!make_video(colour + how + ",format=yuv444p -c:v libx264 -qp 0 " + tags, path)) return;
        const Image image = copy_of(all_frames(path).at(0));
        const std::uint8_t* p = image.row(32) + 32 * 3;
        CAPTURE(how, int(p[0]), int(p[1]), int(p[2]));
        CHECK(std::abs(p[0] - 0xC8) <= 3);
        CHECK(std::abs(p[1] - 0x3C) <= 3);
        CHECK(std::abs(p[2] - 0x28) <= 3);
    }
}

TEST_CASE("turned videos come upright", "[source]") {
    const TempFolder folder;
    const std::string flat = folder / "flat.mp4";
    if (!make_video("-i '" + clip() + "' -frames:v 3 -c copy", flat)) return;
    for (const int angle : {90, 180, 270}) {
        const std::string path = folder / (std::to_string(angle) + ".mp4");
        turn_video(flat, path, angle);
        const auto source = media::open_source(path);
        const bool swapped = angle != 180;
        CHECK(source->info().width == (swapped ? 576 : 768));
        // ffmpeg turns by itself; no frame is like its neighbours turned.
        const Bytes raw = output_of("ffmpeg -i '" + path + "' -f rawvideo -pix_fmt rgb24 -");
        const std::size_t size = std::size_t(768) * 576 * 3;
        REQUIRE(raw.size() == 3 * size);
        for (int i = 0; i < 3; ++i) {
            const auto frame = source->next();
            REQUIRE(frame);
            const Image expected{
                frame->pixels.width, frame->pixels.height,
                Bytes(raw.begin() + i * std::ptrdiff_t(size), raw.begin() + (i + 1) * std::ptrdiff_t(size))};
            CAPTURE(angle, i);
            CHECK(psnr(copy_of(*frame), expected) >
                  35);  // it turns before it converts, which moves chroma by half a pixel
        }
    }
}

TEST_CASE("time stamps that vary, start late or are missing", "[source]") {
    const TempFolder folder;
    const std::string late = folder / "late.mkv";
    if (!make_video(
            "-i '" + clip() +
                "' -frames:v 12 -vf \"settb=1/1000,setpts=5000+N*N*10\" -fps_mode vfr -enc_time_base 1/1000 -c:v ffv1",
            late))
        return;
    const std::vector<Frame> frames = all_frames(late);
    REQUIRE(frames.size() == 12);
    for (std::size_t i = 0; i < frames.size(); ++i)
        CHECK(std::fabs(frames[i].time_s - double(i * i) * .01) < .0011);  // Matroska counts milliseconds
    const std::string raw = folder / "raw.h264";
    if (!make_video("-i '" + clip() + "' -frames:v 40 -c copy -bsf:v h264_mp4toannexb", raw)) return;
    const std::vector<Frame> stampless = all_frames(raw);
    REQUIRE(stampless.size() == 40);
    for (std::size_t i = 1; i < stampless.size(); ++i) CHECK(stampless[i].time_s > stampless[i - 1].time_s);
}

TEST_CASE("a video may change its size", "[source]") {
    const TempFolder folder;
    const std::string a = folder / "a.ts", b = folder / "b.ts";
    const std::string how = " -frames:v 10 -c:v libx264 -bf 0 -f mpegts";
    if (!make_video("-i '" + clip() + "' -vf scale=320:240" + how, a)) return;
    if (!make_video("-i '" + clip() + "' -vf scale=201:133,format=yuv444p" + how, b)) return;
    Bytes both = read_bytes(a);
    const Bytes second = read_bytes(b);
    both.insert(both.end(), second.begin(), second.end());
    write_bytes(folder / "both.ts", both);
    const auto source = media::open_source(folder / "both.ts");
    CHECK(source->info().width == 320);
    int small = 0, large = 0;
    while (const auto frame = source->next()) {
        (frame->pixels.width == 320 ? large : small)++;
        if (frame->pixels.width != 320) CHECK(frame->pixels.width == 201);
        CHECK(copy_of(*frame).rgb.size() == std::size_t(frame->pixels.width) * frame->pixels.height * 3);
    }
    CHECK(large == 10);
    CHECK(small == 10);
}

TEST_CASE("the count of frames is ffprobe's", "[source]") {
    if (!has_ffmpeg()) {
        WARN("skipped: ffmpeg is not installed");
        return;
    }
    for (const char* name : {"/videos/car-detection.mp4", "/videos/one-by-one-person-detection.mp4"}) {
        const std::string path = data_or_skip(name);
        if (path.empty()) continue;
        const Bytes text = output_of(
            "ffprobe -v quiet -count_frames -select_streams v -show_entries stream=nb_read_frames "
            "-of default=nw=1:nk=1 '" +
            path + "'");
        std::int64_t n = 0;
        const auto source = media::open_source(path);
        while (source->next()) ++n;
        CHECK(n == std::stoll(std::string(text.begin(), text.end())));
        CHECK(n == source->info().frames_estimate);
    }
}

TEST_CASE("a picture is a source of one frame", "[source]") {
    const TempFolder folder;
    const Image image = synthetic(37, 21, 4);
    media::write_image(folder / "p.png", image);
    const auto source = media::open_source(folder / "p.png");
    CHECK_FALSE(source->info().is_video);
    CHECK(source->info().frames_estimate == 1);
    const auto frame = source->next();
    REQUIRE(frame);
    CHECK(copy_of(*frame).rgb == image.rgb);
    CHECK_FALSE(source->next());
}

TEST_CASE("inputs that are no media are named", "[source]") {
    const TempFolder folder;
    const auto refuse = [](const std::string& path, const std::string& reason) {
        const Error error = error_of([&] { media::open_source(path); });
        CAPTURE(error.what());
        CHECK(error.kind() == ErrorKind::input);
        CHECK(std::string(error.what()).find(path) != std::string::npos);
        CHECK(std::string(error.what()).find(reason) != std::string::npos);
    };
    refuse(folder / "none.mp4", "does not exist");
    refuse(folder.path(), "is a folder");
    write_bytes(folder / "empty.mp4", {});
    refuse(folder / "empty.mp4", "empty");
    std::string text;
    for (int i = 0; i < 400; ++i) text += "This is a line of plain text, number " + std::to_string(i) + ".\n";
    for (const char* name : {"notes.txt", "notes.mp4", "notes.nfo", "notes", "a:b.mp4"}) {
        write_bytes(folder / name, Bytes(text.begin(), text.end()));
        refuse(folder / name, "video");
    }
    Bytes noise(200000);
    std::uint32_t random = 7;
    for (std::uint8_t& b : noise) b = std::uint8_t((random = random * 1664525 + 1013904223) >> 24);
    for (const char* name : {"noise.mp4", "noise.bin", "noise"}) {
        write_bytes(folder / name, noise);
        refuse(folder / name, "");
    }
    Bytes headless = read_bytes(clip());  // a recording that was never finished has no index
    const std::string moov = "moov";
    const auto at = std::search(headless.begin(), headless.end(), moov.begin(), moov.end());
    REQUIRE(at != headless.end());
    *at = 'x';
    write_bytes(folder / "headless.mp4", headless);
    refuse(folder / "headless.mp4", "cut short or damaged");
    if (make_video("-f lavfi -i sine=duration=1 -c:a pcm_s16le", folder / "sound.wav"))
        refuse(folder / "sound.wav", "no video stream");
    refuse("nosuch://host/stream", "cannot be opened");
}

TEST_CASE("folders expand in natural order", "[source]") {
    const TempFolder folder;
    for (const char* name :
         {"10.jpg", "2.jpg", "1.jpg", "b.MP4", "A3.png", "a20.png", "notes.txt", ".hidden.jpg", "02.jpg"})
        write_bytes(folder / name, {1});
    std::filesystem::create_directory(folder / "sub.mp4");
    std::vector<std::string> expected;
    for (const char* name : {"1.jpg", "02.jpg", "2.jpg", "10.jpg", "A3.png", "a20.png", "b.MP4"})
        expected.push_back(folder / name);
    CHECK(media::expand_inputs({folder.path()}).paths == expected);
    expected.insert(expected.begin(), "rtsp://camera/1");
    expected.push_back(folder / "notes.txt");
    CHECK(media::expand_inputs({"rtsp://camera/1", folder.path(), folder / "notes.txt"}).paths == expected);
    CHECK(error_of([&] { media::expand_inputs({folder / "none"}); }).kind() == ErrorKind::input);
    expected.push_back(folder / "none");
    expected.push_back(folder / "sub.mp4");
    write_bytes(folder / "sub.mp4" + "/a.txt", {1});
    const media::ExpandedInputs all = media::expand_inputs(
        {"rtsp://camera/1", folder.path(), folder / "notes.txt", folder / "none", folder / "sub.mp4"});
    CHECK(all.paths == expected);
    REQUIRE(all.left_out.size() == 2);  // of the folder that has inputs
    CHECK(all.left_out[0].find("1 file is left out") != std::string::npos);
    CHECK(all.left_out[1].find("1 folder is left out") != std::string::npos);
    REQUIRE(all.refused.size() == 2);
    CHECK(all.refused.at(9).find("none' does not exist") != std::string::npos);
    CHECK(all.refused.at(10).find("1 file is left out") != std::string::npos);
    const std::string error = error_of([&] { media::expand_inputs({folder / "sub.mp4", folder / "none"}); }).what();
    CHECK(error.find("no picture or video") != std::string::npos);
    CHECK(error.find("; '" + folder / "none' does not exist") != std::string::npos);
}

TEST_CASE("a list stands for the paths in it", "[source]") {
    const TempFolder folder;
    const auto write = [&](const char* name, const std::string& text) {
        write_bytes(folder / name, Bytes(text.begin(), text.end()));
        return folder / name;
    };
    std::filesystem::create_directory(folder / "in");
    for (const char* name : {"a b.jpg", "c.jpg", "in/d.jpg"}) write_bytes(folder / name, {1});
    const std::vector<std::string> expected = {folder / "a b.jpg", folder / "c.jpg", folder / "in/d.jpg",
                                               "http://host/x.mp4", folder / "gone.jpg"};
    const std::string lines = "\xef\xbb\xbf\r\n" + (folder / "a b.jpg") +
                              " \r\n\r\n\tc.jpg\r\nin\r\nhttp://host/x.mp4\n" + (folder / "gone.jpg");
    const std::string list = write("train.txt", lines);
    CHECK(media::expand_inputs({list}).paths == expected);
    CHECK(media::expand_inputs({"@" + list}).paths == expected);
    const std::string data =
        write("obj.data", "classes = 2\r\ntrain = none.txt\r\nvalid = train.txt \r\nnames = x\r\n");
    CHECK(media::expand_inputs({data, list}).paths.size() == 2 * expected.size());
    const std::string notes = write("notes.txt", "hello\nthere\n");
    CHECK(media::expand_inputs({"@" + notes}).paths == std::vector<std::string>{"hello", "there"});
    const auto complaint = [](const std::string& path) {
        const Error error = error_of([&] { media::expand_inputs({path}); });
        CHECK(error.kind() == ErrorKind::input);
        return std::string(error.what());
    };
    CHECK(complaint(notes).find("its first line, 'hello', is no file") != std::string::npos);
    CHECK(complaint(write("long.txt", std::string(100000, 'x'))).size() < 500);
    CHECK(complaint(write("blank.txt", "\r\n \n")).find("a text without a line") != std::string::npos);
    using namespace std::string_literals;
    for (const std::string& utf16 : {"\xff\xfe"
                                     "c\0.\0j\0p\0g\0"s,
                                     "\xfe\xff\0c\0.\0j\0p\0g"s})
        for (const std::string at : {"", "@"})
            CHECK(complaint(at + write("utf16.txt", utf16)).find("in UTF-16; save it as UTF-8") != std::string::npos);
    const std::string quoted = write("quoted.txt", "\"a b.jpg\"\n'c.jpg'\n");
    CHECK(media::expand_inputs({quoted}).paths == std::vector<std::string>{folder / "a b.jpg", folder / "c.jpg"});
    CHECK(complaint("@").find("names no list") != std::string::npos);
    CHECK(complaint("@" + clip()).find("is no list") != std::string::npos);
    CHECK(complaint("@" + (folder / "none.txt")).find("does not exist") != std::string::npos);
    CHECK(complaint(write("bad.data", "valid = nowhere.txt\n")).find("nowhere.txt' does not exist") !=
          std::string::npos);
}
