// SPDX-License-Identifier: MIT
#include <cmath>

#include <convoy/media/source.h>
#include <convoy/media/video_writer.h>
#include "tests/support/catch.h"
#include "tests/tools/media_files.h"
#include "tests/tools/video_packets.h"
#include "tools/media/out/video_encoder.h"
#include "tools/media/out/video_muxer.h"

using namespace convoy;
using namespace convoy::test;
using media::EncoderChoice;
using media::VideoFormat;

namespace {

VideoFormat jpeg(int width, int height, int fps = 30) { return {width, height, fps, 1, 0, EncoderChoice::jpeg}; }

void refuse(const std::string& path, const VideoFormat& format, const std::string& part) {
    const Error error = error_of([&] { media::VideoWriter(path, format); });
    CAPTURE(error.what(), part);
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(std::string(error.what()).find(part) != std::string::npos);
    CHECK(std::string(error.what()).find(path) != std::string::npos);
}

}  // namespace

TEST_CASE("Motion JPEG reads back from both containers, of its own size", "[mjpeg]") {
    const TempFolder folder;
    for (const auto& [w, h] : {std::pair{320, 240}, {1280, 720}, {101, 67}, {2, 2}, {1, 1}})
        for (const char* ending : {"avi", "mkv"}) {
            const std::string path = folder / (std::string("v.") + ending);
            CAPTURE(w, h, ending);
            media::VideoWriter writer(path, jpeg(w, h));
            for (int i = 0; i < 12; ++i) writer.write(synthetic(w, h, i), i / 30.);
            writer.close();
            const std::vector<Packet> packets = packets_of(path);
            REQUIRE(packets.size() == 12);
            for (const Packet& p : packets) CHECK((p.key && p.pts_s == p.dts_s));
            const auto source = media::open_source(path);
            CHECK(source->info().width == w);
            CHECK(source->info().height == h);
            CHECK(std::fabs(double(source->info().fps_num) / source->info().fps_den - 30) < .01);
            int n = 0;
            for (; const auto frame = source->next(); ++n) {
                CHECK(std::fabs(frame->time_s - n / 30.) <= (ending == std::string("mkv") ? .001 : 1e-6));
                if (w > 2) CHECK(psnr(copy_of(*frame), synthetic(w, h, n)) > 33);
            }
            CHECK(n == 12);
            CHECK(source->damaged() == 0);
            if (w > 2) CHECK(decoding_faults(path) == "");
        }
}

TEST_CASE("colours survive the way through a JPEG", "[mjpeg]") {
    const TempFolder folder;
    for (const char* ending : {"avi", "mkv"}) {
        const std::string path = folder / (std::string("c.") + ending);
        media::Image image{640, 720, Bytes(std::size_t(640) * 720 * 3)};
        for (std::size_t i = 0; i < image.rgb.size(); i += 3)
            image.rgb[i] = 200, image.rgb[i + 1] = 60, image.rgb[i + 2] = 40;
        media::VideoWriter writer(path, jpeg(640, 720));
        writer.write(image, 0);
        writer.close();
        const media::Image back = copy_of(*media::open_source(path)->next());
        const std::uint8_t* p = back.row(360) + 320 * 3;
        CAPTURE(ending, int(p[0]), int(p[1]), int(p[2]));
        CHECK(std::abs(p[0] - 200) <= 4);
        CHECK(std::abs(p[1] - 60) <= 4);
        CHECK(std::abs(p[2] - 40) <= 4);
    }
}

TEST_CASE("times that vary are kept in Matroska, and go to the next frame of the rate in AVI", "[mjpeg]") {
    const TempFolder folder;
    const double times[] = {0, .04, .041, .52, .52, 2};
    const double mkv[] = {0, .04, .041, .52, .521, 2}, avi[] = {0, .04, .08, .52, .56, 2};
    for (const bool is_mkv : {true, false}) {
        const std::string path = folder / (is_mkv ? "t.mkv" : "t.avi");
        media::VideoWriter writer(path, jpeg(64, 64, 25));
        for (int i = 0; i < 6; ++i) writer.write(synthetic(64, 64, i), times[i]);
        writer.close();
        const auto source = media::open_source(path);
        for (int i = 0; i < 6; ++i) {
            const auto frame = source->next();
            REQUIRE(frame);
            CAPTURE(is_mkv, i, frame->time_s);
            CHECK(std::fabs(frame->time_s - (is_mkv ? mkv : avi)[i]) < (is_mkv ? .0006 : 1e-6));
        }
        CHECK_FALSE(source->next());
    }
}

TEST_CASE("parts of Motion JPEG are one video", "[mjpeg]") {
    const TempFolder folder;
    for (const char* name : {"v.avi", "v.mkv"}) {
        media::VideoMuxer muxer(folder / name);
        for (int part = 0; part < 3; ++part) {
            media::VideoEncoder encoder(folder / name, jpeg(96, 64, 25));
            CHECK(encoder.kind() == EncoderChoice::jpeg);
            CHECK(encoder.stream().delay == 0);
            std::vector<double> times;
            for (int i = 0; i < 5; ++i) {
                media::EncodedFrames frames = encoder.write(synthetic(96, 64, 5 * part + i));
                REQUIRE(frames.packets.size() == 1);
                CHECK((frames.packets[0]->flags & AV_PKT_FLAG_KEY) != 0);
                const double time = (5 * part + i) / 25.;
                muxer.append(std::move(frames), std::span(&time, 1));
            }
            CHECK(encoder.end().packets.empty());
            CHECK(error_of([&] { encoder.write(synthetic(96, 64, 0)); }).kind() == ErrorKind::usage);
        }
        muxer.close();
        const auto source = media::open_source(folder / name);
        int n = 0;
        for (; const auto frame = source->next(); ++n) {
            CHECK(std::fabs(frame->time_s - n / 25.) < .001);
            CHECK(psnr(copy_of(*frame), synthetic(96, 64, n)) > 33);
        }
        CHECK(n == 15);
    }
}

TEST_CASE("what does not go together with Motion JPEG is refused", "[mjpeg]") {
    const TempFolder folder;
    for (const char* name : {"v.mp4", "v.mov", "v.M4V"}) refuse(folder / name, jpeg(64, 64), ".avi and .mkv");
    refuse(folder / "v.avi", {64, 64, 25, 1, 0}, "Motion JPEG only");
    refuse(folder / "v.mkv", jpeg(0, 64), "is not possible");
    VideoFormat quality = jpeg(64, 64);
    for (const int wrong : {0, 101, 1000}) {
        quality.quality = wrong;
        refuse(folder / "v.mkv", quality, "1 to 100");
    }
    CHECK(folder.names().empty());
}
