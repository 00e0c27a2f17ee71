// SPDX-License-Identifier: MIT
#include <convoy/media/video_writer.h>

#include <sys/mount.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

extern "C" {
#include <libavutil/log.h>
}

#include <convoy/media/source.h>
#include "tests/support/catch.h"
#include "tests/tools/media_files.h"

using namespace convoy;
using namespace convoy::test;
using media::Image;
using media::VideoWriter;

TEST_CASE("a written video reads back", "[writer]") {
    const TempFolder folder;
    // 720 rows and more are stored by BT.709; odd sizes are padded; the smallest there is.
    for (const auto& [w, h] : {std::pair{320, 240}, {1280, 720}, {101, 67}, {2, 2}, {1, 1}})
        for (const char* ending : {"mp4", "mkv", "mov"}) {
            if (w == 1280 && ending != std::string("mp4")) continue;
            const std::string path = folder / (std::string("v.") + ending);
            CAPTURE(w, h, ending);
            VideoWriter writer(path, {w, h, 30, 1, 2});
            for (int i = 0; i < 12; ++i) writer.write(synthetic(w, h, i), i / 30.);
            CHECK_FALSE(std::filesystem::exists(path));
            writer.close();
            writer.close();
            const auto source = media::open_source(path);
            CHECK(source->info().width == (w + 1) / 2 * 2);
            CHECK(source->info().height == (h + 1) / 2 * 2);
            CHECK(std::fabs(double(source->info().fps_num) / source->info().fps_den - 30) < .01);
            const double tick = ending == std::string("mkv") ? .001 : 1. / 90000;
            int n = 0;
            for (; const auto frame = source->next(); ++n) {
                CHECK(std::fabs(frame->time_s - n / 30.) <= tick);
                if (w > 2) CHECK(psnr(copy_of(*frame), synthetic(w, h, n)) > 30);
            }
            CHECK(n == 12);
            CHECK(source->damaged() == 0);
            std::filesystem::remove(path);
        }
    CHECK(folder.names().empty());
}

TEST_CASE("pixels that are not square are said so in every container", "[writer]") {
    const TempFolder folder;
    for (const auto encoder : {media::EncoderChoice::x264, media::EncoderChoice::jpeg})
        for (const char* ending : {"mp4", "mov", "mkv", "avi"}) {
            if ((encoder == media::EncoderChoice::jpeg) != (ending == std::string("avi"))) continue;
            const std::string path = folder / (std::string("p.") + ending);
            CAPTURE(path);
            media::VideoFormat format{64, 48};
            format.encoder = encoder;
            format.pixel_width = 16, format.pixel_height = 11;
            VideoWriter writer(path, format);
            writer.write(synthetic(64, 48, 1), 0);
            writer.close();
            CHECK(media::open_source(path)->info().pixel_width == 16);
            CHECK(media::open_source(path)->info().pixel_height == 11);
        }
}

TEST_CASE("colours survive the way through the encoder", "[writer]") {
    const TempFolder folder;
    for (const int height : {480, 720}) {
        Image image{640, height, Bytes(std::size_t(640) * height * 3)};
        for (std::size_t i = 0; i < image.rgb.size(); i += 3)
            image.rgb[i] = 200, image.rgb[i + 1] = 60, image.rgb[i + 2] = 40;
        VideoWriter writer(folder / "c.mp4", {640, height, 25, 1, 0});
        writer.write(image, 0);
        writer.close();
        const Image back = copy_of(*media::open_source(folder / "c.mp4")->next());
        const std::uint8_t* p = back.row(height / 2) + 320 * 3;
        CAPTURE(height, int(p[0]), int(p[1]), int(p[2]));
        CHECK(std::abs(p[0] - 200) <= 4);
        CHECK(std::abs(p[1] - 60) <= 4);
        CHECK(std::abs(p[2] - 40) <= 4);
    }
}

TEST_CASE("the padding repeats the edge", "[writer]") {
    const TempFolder folder;
    Image image{61, 33, Bytes(61 * 33 * 3, 220)};
    VideoWriter writer(folder / "p.mp4", {61, 33, 25, 1, 0});
    writer.write(image, 0);
    writer.close();
    const Image back = copy_of(*media::open_source(folder / "p.mp4")->next());
    for (int y = 0; y < 34; ++y) CHECK(std::abs(back.row(y)[61 * 3 + 1] - 220) <= 3);
    for (int x = 0; x < 62; ++x) CHECK(std::abs(back.row(33)[x * 3 + 1] - 220) <= 3);
}

TEST_CASE("times that vary are kept, times that do not rise are moved", "[writer]") {
    const TempFolder folder;
    const double times[] = {0, .04, .0401, .5, .5, .2, 7.123456, NAN};
    const double expected[] = {0, .04, .0401, .5, .5 + 1 / 90000., .5 + 2 / 90000., 7.123456, 7.123456 + 1 / 90000.};
    VideoWriter writer(folder / "t.mp4", {64, 64, 25, 1, 0});
    for (int i = 0; i < 8; ++i) writer.write(synthetic(64, 64, i), times[i]);
    writer.close();
    const auto source = media::open_source(folder / "t.mp4");
    for (int i = 0; i < 8; ++i) {
        const auto frame = source->next();
        REQUIRE(frame);
        CAPTURE(i, frame->time_s, expected[i]);
        CHECK(std::fabs(frame->time_s - expected[i]) <= 1.01 / 90000);
    }
    CHECK_FALSE(source->next());
}

TEST_CASE("over a pause of most of an hour pictures keep their places", "[writer]") {
    const TempFolder folder;
    for (const char* ending : {"mp4", "mov", "mkv"}) {
        CAPTURE(ending);
        const std::string path = folder / (std::string("pause.") + ending);
        const auto time_of = [](int i) { return i / 10. + (i < 13 ? 0 : 3500) + (i < 21 ? 0 : 3000); };
        VideoWriter writer(path, {320, 240, 10, 1, 0});
        for (int i = 0; i < 30; ++i) writer.write(synthetic(320, 240, i), time_of(i));
        writer.close();
        const auto source = media::open_source(path);
        int n = 0;
        for (; const auto frame = source->next(); ++n) CHECK(std::fabs(frame->time_s - time_of(n)) <= .001);
        CHECK(n == 30);
    }
}

TEST_CASE("an interrupted writer leaves nothing, and the old file as it was", "[writer]") {
    const TempFolder folder;
    write_bytes(folder / "v.mp4", {1, 2, 3});
    {
        VideoWriter writer(folder / "v.mp4", {64, 64, 25, 1, 0});
        for (int i = 0; i < 80; ++i) writer.write(synthetic(64, 64, i), i * .04);
        VideoWriter moved = std::move(writer);
    }
    CHECK(read_bytes(folder / "v.mp4") == Bytes{1, 2, 3});
    {
        VideoWriter writer(folder / "never.mp4", {64, 64, 25, 1, 0});
        CHECK(error_of([&] { writer.close(); }).kind() == ErrorKind::output);
    }
    CHECK(folder.names() == std::vector<std::string>{"v.mp4"});
}

TEST_CASE("the encoder says nothing about a video that is written", "[writer]") {
    static int said = 0;
    said = 0;
    av_log_set_callback([](void*, int level, const char* format, va_list) {
        // That one line is libav's MP4 muxer's, which has no log level of its own.
        said += level <= AV_LOG_INFO && !std::strstr(format, "Starting second pass");
    });
    {
        const TempFolder folder;
        VideoWriter writer(folder / "v.mp4", {320, 240, 30, 1, 1});
        for (int i = 0; i < 12; ++i) writer.write(synthetic(320, 240, i), i / 30.);
        writer.close();
    }
    av_log_set_callback(av_log_default_callback);
    CHECK(said == 0);
}

TEST_CASE("what cannot be written is named", "[writer]") {
    const TempFolder folder;
    const auto refuse = [](const std::string& path, const media::VideoFormat& format, ErrorKind kind) {
        const Error error = error_of([&] { VideoWriter(path, format); });
        CAPTURE(error.what());
        CHECK(error.kind() == kind);
        CHECK(std::string(error.what()).find(path) != std::string::npos);
    };
    refuse(folder / "none/v.mp4", {64, 64, 25, 1, 0}, ErrorKind::output);
    refuse(folder / "v.webm", {64, 64, 25, 1, 0}, ErrorKind::usage);
    refuse(folder / "v", {64, 64, 25, 1, 0}, ErrorKind::usage);
    refuse(folder / "v.mp4", {0, 64, 25, 1, 0}, ErrorKind::usage);
    refuse(folder / "v.mp4", {64, 64, 0, 1, 0}, ErrorKind::usage);
    std::filesystem::create_directory(folder / "d.mp4");
    refuse(folder / "d.mp4", {64, 64, 25, 1, 0}, ErrorKind::output);
    if (::geteuid() != 0) {
        std::filesystem::permissions(folder / "d.mp4",
                                     std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
        refuse(folder / "d.mp4/v.mp4", {64, 64, 25, 1, 0}, ErrorKind::output);
    }
    VideoWriter writer(folder / "s.mp4", {64, 64, 25, 1, 0});
    CHECK(error_of([&] { writer.write(synthetic(64, 65, 0), 0); }).kind() == ErrorKind::usage);
    Image half = synthetic(64, 64, 0);
    half.rgb.resize(half.rgb.size() / 2);
    CHECK(error_of([&] { writer.write(half, 0); }).kind() == ErrorKind::usage);
}

TEST_CASE("a full disk is an error and leaves nothing behind", "[writer]") {
    const TempFolder folder;
    if (::geteuid() != 0 || ::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=256k") != 0) {
        WARN("skipped: mounting a small disk takes root's rights");
        return;
    }
    const std::unique_ptr<const char, void (*)(const char*)> mounted(folder.path().c_str(),
                                                                     [](const char* path) { ::umount(path); });
    Image noise = synthetic(320, 240, 0);
    std::uint32_t random = 1;
    {
        VideoWriter writer(folder / "full.mp4", {320, 240, 25, 1, 0});
        const Error error = error_of([&] {
            for (int i = 0; i < 200; ++i) {
                for (std::uint8_t& v : noise.rgb) v = std::uint8_t((random = random * 1664525 + 1013904223) >> 24);
                writer.write(noise, i * .04);
            }
            writer.close();
        });
        CHECK(error.kind() == ErrorKind::output);
        CHECK(std::string(error.what()).find("full.mp4") != std::string::npos);
        CHECK(std::string(error.what()).find("No space left") != std::string::npos);
    }
    CHECK(folder.names().empty());
    CHECK(error_of([&] { media::write_image(folder / "full.bmp", noise = synthetic(700, 700, 3)); }).kind() ==
          ErrorKind::output);
    CHECK(folder.names().empty());
}
