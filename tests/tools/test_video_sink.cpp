// SPDX-License-Identifier: MIT
#include "tools/sinks/video_sink.h"

#include <array>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <map>
#include <thread>
#include <tuple>

#include <convoy/media/source.h>
#include "tests/support/catch.h"
#include "tests/tools/sink_parts.h"
#include "tests/tools/video_packets.h"
#include "tools/media/av_handles.h"
#include "tools/media/pictures/scale.h"
#include "tools/sinks/per_input_sink.h"

using namespace convoy;
using namespace convoy::test;
using media::EncoderChoice;
using tools::Part;
using tools::VideoSink;

namespace {

media::VideoFormat encoded_by(EncoderChoice encoder) {
    media::VideoFormat format;
    format.encoder = encoder;
    return format;
}

void check_video(const std::string& path, int frames, const std::vector<int>& starts) {
    CAPTURE(path);
    const std::vector<Packet> packets = packets_of(path);
    REQUIRE(int(packets.size()) == frames);
    for (const int start : starts) CHECK(packets[std::size_t(start)].key);
    const std::vector<double> times = shown_times(packets);
    for (std::size_t i = 0; i < times.size(); ++i) CHECK(std::fabs(times[i] - double(i) / 25) < 1.01 / 90000);
    const int decoded = decoded_frames(path);
    if (decoded < 0) {
        WARN("ffmpeg is not installed: nobody else has decoded " << path);
        return;
    }
    CHECK(decoded == frames);
    CHECK(decoding_faults(path) == "");
}

}  // namespace

TEST_CASE("a video does not depend on the order in which its parts were made", "[video]") {
    const TempFolder folder;
    const std::vector<int> lengths = {12, 1, 30, 2, 7};
    Bytes in_sequence;
    for (const std::vector<int>& order : {std::vector<int>{0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {2, 4, 0, 3, 1}}) {
        VideoSink sink({folder / "v.mp4"}, false, encoded_by(EncoderChoice::automatic));
        run_parts(sink, 0, video_input("in.mp4"), lengths, order);
        sink.close();
        CHECK(sink.outputs() == std::vector<std::string>{folder / "v.mp4"});
        if (in_sequence.empty()) {
            in_sequence = read_bytes(folder / "v.mp4");
            check_video(folder / "v.mp4", 52, {0, 12, 13, 43, 45});
        }
        CHECK(read_bytes(folder / "v.mp4") == in_sequence);
        CHECK(folder.names() == std::vector<std::string>{"v.mp4"});
    }
}

TEST_CASE("HEVC, too, is one video of parts that were made in any order", "[video]") {
    if (!avcodec_find_encoder_by_name("libx265")) {
        WARN("skipped: this libav has no libx265");
        return;
    }
    const TempFolder folder;
    media::VideoFormat format = encoded_by(EncoderChoice::automatic);
    format.codec = media::VideoCodec::hevc;
    Bytes first;
    for (const std::vector<int>& order : {std::vector<int>{0, 1, 2, 3}, {3, 1, 2, 0}}) {
        VideoSink sink({folder / "v.mp4"}, false, format);
        run_parts(sink, 0, video_input("in.mp4"), {12, 1, 30, 7}, order);
        if (first.empty()) first = read_bytes(folder / "v.mp4");
        const bool same = read_bytes(folder / "v.mp4") == first;
        CHECK(same);
    }
    check_video(folder / "v.mp4", 50, {0, 12, 13, 43});
}

TEST_CASE("so is Motion JPEG, whose encoders the parts share", "[video]") {
    const TempFolder folder;
    const auto jpegs = std::make_shared<media::JpegEncoders>(std::vector<int>{});
    for (const char* name : {"v.mkv", "v.avi"}) {
        Bytes first;
        for (const std::vector<int>& order : {std::vector<int>{0, 1, 2, 3}, {3, 1, 2, 0}}) {
            VideoSink sink({folder / name}, false, encoded_by(EncoderChoice::jpeg), {}, jpegs);
            run_parts(sink, 0, video_input("in.mp4"), {12, 1, 30, 7}, order);
            if (first.empty()) first = read_bytes(folder / name);
            const bool same = read_bytes(folder / name) == first;
            if (name == std::string("v.avi")) CHECK(same);  // an .mkv has a random number of its own
        }
        const std::vector<Packet> packets = packets_of(folder / name);
        REQUIRE(packets.size() == 50);
        for (std::size_t i = 0; i < packets.size(); ++i) {
            CHECK(packets[i].key);
            CHECK(std::fabs(packets[i].pts_s - double(i) / 25) < .0011);
        }
        CHECK(decoding_faults(folder / name) == "");
    }
    CHECK(jpegs->tally().on_cpu == 200);
}

TEST_CASE("several videos grow side by side, their parts on many threads", "[video]") {
    const TempFolder folder;
    constexpr int kInputs = 3, kParts = 4, kFrames = 9;
    VideoSink sink({folder / "0.mp4", folder / "1.mkv", folder / "2.mp4", folder / "never.mp4"}, true,
                   encoded_by(EncoderChoice::x264));
    std::vector<std::unique_ptr<Part>> parts(kInputs * kParts);
    {
        std::vector<std::jthread> threads;
        for (int i = kInputs * kParts; i-- > 0;)
            threads.emplace_back([&, i] {
                parts[std::size_t(i)] = sink.begin_part(i / kParts, video_input("in.mp4"), 1);
                fill(*parts[std::size_t(i)], i % kParts * kFrames, kFrames);
                parts[std::size_t(i)]->end();
            });
    }
    const std::unique_ptr<Part> without_frames = sink.begin_part(3, video_input("broken.mp4"), 1);
    without_frames->end();
    sink.append(*without_frames, {});
    for (int part = 0; part < kParts; ++part)
        for (int input = 0; input < kInputs; ++input)
            sink.append(*parts[std::size_t(input * kParts + part)], places(part * kFrames, kFrames));
    for (const int input : {1, 0, 3, 2}) sink.end_input(input, true);
    sink.close();
    CHECK(sink.outputs() == std::vector<std::string>{folder / "1.mkv", folder / "0.mp4", folder / "2.mp4"});
    CHECK(folder.names() == std::vector<std::string>{"0.mp4", "1.mkv", "2.mp4"});
    check_video(folder / "0.mp4", kParts * kFrames, {0, 9, 18, 27});
    CHECK(read_bytes(folder / "0.mp4") == read_bytes(folder / "2.mp4"));
}

TEST_CASE("a part without end is appended while it grows", "[video]") {
    const TempFolder folder;
    VideoSink sink({folder / "v.mp4"}, false, encoded_by(EncoderChoice::automatic));
    const std::unique_ptr<Part> part = sink.begin_part(0, video_input("rtsp://camera"), 2);
    std::jthread worker;
    std::atomic<int> written = 0;
    worker = std::jthread([&] {
        for (int i = 0; i < 90; ++i, ++written) fill(*part, i, 1);
        part->end();
    });
    for (int appended = 0; appended < 90;) {
        const int count = written - appended;
        sink.append(*part, places(appended, count));
        appended += count;
    }
    worker.join();
    sink.append(*part, {});
    sink.end_input(0, true);
    check_video(folder / "v.mp4", 90, {0});
}

TEST_CASE("what was appended when a run stopped is a whole video", "[video]") {
    const TempFolder folder;
    {
        VideoSink sink({folder / "v.mp4"}, false, encoded_by(EncoderChoice::automatic));
        const auto first = sink.begin_part(0, video_input("in.mp4"), 1),
                   last = sink.begin_part(0, video_input("in.mp4"), 1);
        const auto abandoned = sink.begin_part(0, video_input("in.mp4"), 1);
        fill(*abandoned, 50, 20);
        fill(*last, 10, 3);  // of more that were to come
        fill(*first, 0, 10);
        last->end();
        first->end();
        sink.append(*first, places(0, 10));
        sink.append(*last, places(10, 3));
        sink.end_input(0, true);
    }
    check_video(folder / "v.mp4", 13, {0, 10});
    {
        VideoSink sink({folder / "never.mp4"}, false, encoded_by(EncoderChoice::automatic));
        const auto part = sink.begin_part(0, video_input("in.mp4"), 1);
        fill(*part, 0, 10);
        part->end();
        sink.append(*part, places(0, 10));
    }
    CHECK(folder.names() == std::vector<std::string>{"v.mp4"});
}

TEST_CASE("a video keeps its first size and shape: what has another is scaled and letterboxed", "[video]") {
    const TempFolder folder;
    VideoSink sink({folder / "v.mp4"}, false, encoded_by(EncoderChoice::automatic));
    InputInfo input = video_input("in.mp4");
    input.width = 64, input.height = 48;
    const auto first = sink.begin_part(0, input, 1), second = sink.begin_part(0, input, 1);
    fill(*second, 6, 2, 200, 40);  // parts are made in any order
    fill(*second, 8, 1, 64, 48, 4, 3);
    fill(*first, 0, 5);
    fill(*first, 5, 1, 32, 96);
    first->end();
    second->end();
    sink.append(*first, places(0, 6));
    sink.append(*second, places(6, 3));
    sink.end_input(0, true);
    const auto video = media::open_source(folder / "v.mp4");
    for (int i = 0; i < 9; ++i) {
        INFO("frame " << i);
        const std::optional<Frame> frame = video->next();
        REQUIRE(frame);
        const media::Image seen = copy_of(*frame);
        REQUIRE(seen.width == 64);
        REQUIRE(seen.height == 48);
        const int w = i < 5 ? 64 : i == 5 ? 16 : 64, h = i < 6 ? 48 : i < 8 ? 13 : 36;  // of what is not black
        const auto brightest = [&](int x, int y) {
            const std::uint8_t* p = seen.row(y) + 3 * x;
            return int(std::max({p[0], p[1], p[2]}));
        };
        const int left = (64 - w) / 2, top = (48 - h) / 2;
        for (int x = 0; x < 64; ++x)
            for (int y = 0; y < 48; ++y)
                if (x < left - 4 || x >= left + w + 4 || y < top - 4 || y >= top + h + 4) REQUIRE(brightest(x, y) < 30);
        CHECK(brightest(32, 24) > 60);
    }
    CHECK_FALSE(video->next());
}

TEST_CASE("letterboxed: the whole picture in the middle, its proportions kept", "[video]") {
    media::Image white{30, 10, std::vector<std::uint8_t>(900, 255)};
    for (const auto& [width, height, shape, w, h] : {std::tuple{60, 60, 1., 60, 20},
                                                     {15, 40, 1., 15, 5},
                                                     {90, 10, 1., 30, 10},
                                                     {1, 1, 1., 1, 1},
                                                     {60, 60, 2., 60, 10},
                                                     {60, 60, .5, 60, 40},
                                                     {90, 10, 1.5, 45, 10}}) {
        INFO(width << "x" << height << ", pixels of " << shape);
        const media::Image out = media::letterboxed(white, shape, width, height);
        REQUIRE(out.is_whole());
        std::int64_t sum = 0;
        for (const std::uint8_t byte : out.rgb) sum += byte;
        CHECK(sum == std::int64_t(w) * h * 3 * 255);
        CHECK(out.row((height - h) / 2)[3 * ((width - w) / 2)] == 255);
    }
}

TEST_CASE("a preset and a quality are those of the file", "[video]") {
    const TempFolder folder;
    std::map<std::string, std::size_t> bytes;
    for (const auto& [name, preset, crf] :
         {std::tuple{"fast", "ultrafast", 23}, {"small", "medium", 23}, {"bad", "medium", 45}}) {
        media::VideoFormat format = encoded_by(EncoderChoice::x264);
        format.preset = preset, format.crf = crf;
        VideoSink sink({folder / (std::string(name) + ".mkv")}, false, format);
        const std::vector<int> lengths = {20, 20};
        run_parts(sink, 0, video_input("in.mp4"), lengths, {1, 0});
        bytes[name] = read_bytes(folder / (std::string(name) + ".mkv")).size();
    }
    CHECK(bytes["fast"] > bytes["small"]);
    CHECK(bytes["small"] > bytes["bad"]);
    media::VideoFormat format = encoded_by(EncoderChoice::x264);
    format.width = format.height = 64;
    format.crf = 52;
    CHECK(error_of([&] { media::VideoEncoder("v.mp4", format); }).kind() == ErrorKind::usage);
}

TEST_CASE("pictures are no videos", "[video]") {
    const TempFolder folder;
    InputInfo picture;
    picture.path = "a.jpg";
    VideoSink skips({folder / "a.mp4"}, true, encoded_by(EncoderChoice::automatic)),
        refuses({folder / "a.mp4"}, false, encoded_by(EncoderChoice::automatic));
    CHECK(skips.begin_part(0, picture, 1) == nullptr);
    skips.end_input(0, true);
    const Error error = error_of([&] { refuses.begin_part(0, picture, 1); });
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(error.what() == std::string("a.jpg is a picture: --video takes videos, use --pictures DIR"));
    CHECK(folder.names().empty());
}

TEST_CASE("a video that cannot be written is found before any work", "[video]") {
    const TempFolder folder;
    VideoSink sink({folder / "none/v.mp4"}, false, encoded_by(EncoderChoice::automatic));
    const Error error = error_of([&] { sink.begin_part(0, video_input("in.mp4"), 1); });
    CHECK(error.kind() == ErrorKind::output);
    CHECK(std::string(error.what()).find("none/v.mp4") != std::string::npos);
}

TEST_CASE("places must be those of frames", "[video]") {
    const TempFolder folder;
    VideoSink sink({folder / "v.mp4"}, false, encoded_by(EncoderChoice::automatic));
    const auto part = sink.begin_part(0, video_input("in.mp4"), 1);
    CHECK(error_of([&] { sink.append(*part, places(0, 1)); }).kind() == ErrorKind::usage);
    fill(*part, 0, 3);
    part->end();
    sink.append(*part, places(0, 2));
    CHECK(error_of([&] { sink.end_input(0, true); }).kind() == ErrorKind::usage);
}

TEST_CASE("a video of several that cannot be written costs no other", "[video]") {
    const TempFolder folder;
    std::filesystem::create_symlink("nowhere/v.mp4", folder / "lost.mp4");
    const auto video_sink = [&] {
        return std::make_unique<VideoSink>(
            std::vector<std::string>{folder / "a.mp4", folder / "lost.mp4", folder / "b.mp4"}, false,
            encoded_by(EncoderChoice::automatic));
    };
    tools::PerInputSink sink(video_sink(), {});
    run_parts(sink, 0, video_input("a.mp4"), {3, 2}, {1, 0});
    CHECK(sink.take_errors().empty());
    run_parts(sink, 1, video_input("lost.mp4"), {3, 2, 2}, {2, 0, 1});
    const std::vector<std::string> errors = sink.take_errors();
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].find("lost.mp4") != std::string::npos);
    // A place too many is wrong usage, and ends the run.
    const auto part = sink.begin_part(2, video_input("b.mp4"), 1);
    part->end();
    CHECK(error_of([&] { sink.append(*part, places(0, 1)); }).kind() == ErrorKind::usage);
    const auto alone = video_sink();
    run_parts(*alone, 2, video_input("b.mp4"), {4}, {0});
    CHECK(sink.outputs() == std::vector<std::string>{folder / "a.mp4"});
    check_video(folder / "a.mp4", 5, {0, 3});
    check_video(folder / "b.mp4", 4, {0});

    tools::PerInputSink hurried(video_sink(), [] { return true; });  // a signal: nobody is waited for
    CHECK(error_of([&] { hurried.begin_part(1, video_input("lost.mp4"), 1); }).kind() == ErrorKind::output);
}

namespace {

/// All 25 frames of a recording, or the first ones, with its own stamps, which its sound goes by.
void write_with_sound(VideoSink& sink, const std::string& recording, int frames = 25) {
    const auto part = sink.begin_part(0, video_input(recording), 1);
    fill(*part, 0, frames);
    part->end();
    std::vector<tools::FramePlace> stamped = places(0, frames);
    for (tools::FramePlace& place : stamped) place.pts_s = place.time_s;
    sink.append(*part, stamped);
    sink.end_input(0, frames == 25);
}

std::ptrdiff_t sound_packets(const std::string& path) {
    const Bytes bytes =
        output_of("ffprobe -v error -select_streams a -show_entries packet=size -of csv=p=0 '" + path + "'");
    return std::count(bytes.begin(), bytes.end(), '\n');
}

}  // namespace

TEST_CASE("a video one of whose parts has failed is not there", "[video]") {
    const TempFolder folder;
    media::VideoFormat format = encoded_by(EncoderChoice::x264);
    VideoSink sink({folder / "v.mp4"}, false, format);
    const auto first = sink.begin_part(0, video_input("in.mp4"), 1),
               second = sink.begin_part(0, video_input("in.mp4"), 1);
    fill(*first, 0, 3);
    first->end();
    sink.append(*first, places(0, 3));
    CHECK_THROWS_AS(fill(*second, 0, 1, 40000, 2), Error);  // no encoder takes it
    sink.end_input(0, true);
    CHECK(folder.names().empty());
    CHECK(sink.outputs().empty());
}

TEST_CASE("sound is copied where the container has a place for it, else said to be missing", "[video]") {
    const TempFolder folder;
    for (const std::string codec : {"flac", "truehd", "libopus", "pcm_s16le", "aac"}) {
        const std::string input = folder / codec + ".mkv";
        if (!make_video(
                "-f lavfi -i testsrc=s=96x64:r=25:d=1 -f lavfi -i sine=r=48000:d=1 -c:v mpeg4 -strict -2 -c:a " + codec,
                input))
            return;
        for (const std::string ending : {".mp4", ".mov", ".mkv"}) {
            INFO(codec << " in " << ending);
            const std::string path = folder / "out" + ending;
            VideoSink sink({path}, false, encoded_by(EncoderChoice::automatic));
            write_with_sound(sink, input);
            const Bytes said =
                output_of("ffprobe -v error -select_streams a -show_entries stream=codec_name -of csv=p=0 " + path);
            const std::vector<std::string> remarks = sink.take_remarks();
            CHECK(said.empty() == !remarks.empty());
            if (ending == ".mkv" || codec == "aac") CHECK(remarks.empty());
            if (codec == "truehd" && ending != ".mkv") {
                REQUIRE(remarks.size() == 1);
                CHECK(remarks[0].find("truehd sound") != std::string::npos);
            }
            if (ending == ".mkv" && codec == "truehd") CHECK(sound_packets(path) == sound_packets(input));
            CHECK(decoded_frames(path) == 25);
        }
    }
}

TEST_CASE("sound whose stamps are coarse in an .avi, or that its own packets describe, is copied", "[video]") {
    const TempFolder folder;
    const auto copy_of = [&](const std::string& input, const std::string& output) {
        VideoSink sink({folder / output}, false, encoded_by(EncoderChoice::jpeg));
        write_with_sound(sink, folder / input);
        CHECK(sink.take_remarks().empty());
    };
    for (const std::string codec : {"adpcm_ms", "adpcm_ima_wav"}) {
        INFO(codec);
        const std::string made = "-f lavfi -i testsrc=s=96x64:r=25:d=1 -f lavfi -i sine=d=1 -c:v mjpeg -c:a " + codec;
        if (!make_video(made, folder / codec + ".avi")) return;
        copy_of(codec + ".avi", "out.avi");
        CHECK(sound_packets(folder / "out.avi") == sound_packets(folder / codec + ".avi"));
        CHECK(decoded_frames(folder / "out.avi") == 25);
    }
}

TEST_CASE("sound that only its packets describe costs no .mp4, however late it begins or early the run ends",
          "[video]") {
    const TempFolder folder;
    for (const std::string codec : {"ac3", "eac3"})
        for (const std::string late : {"0", "0.2", "2"}) {
            INFO(codec << " from " << late << " s on");
            if (!make_video("-f lavfi -i testsrc2=s=96x64:r=25:d=3 -itsoffset " + late +
                                " -f lavfi -i sine=d=1 -c:v mpeg4 -c:a " + codec,
                            folder / "in.mkv"))
                return;
            const std::string path = folder / "out.mp4";
            VideoSink sink({path}, false, encoded_by(EncoderChoice::automatic));
            write_with_sound(sink, folder / "in.mkv", 1);
            CHECK(decoded_frames(path) == 1);
            CHECK((sound_packets(path) > 0) == (late != "2"));
            CHECK((sink.take_remarks().size() == 1) == (late == "2"));
        }
}

TEST_CASE("E-AC-3 that its container calls AC-3 is copied as what it is", "[video]") {
    const TempFolder folder;
    if (!make_video("-f lavfi -i testsrc=s=96x64:r=25:d=1 -f lavfi -i sine=d=1 -c:v mpeg4 -c:a eac3",
                    folder / "in.nut"))
        return;
    for (const std::string ending : {".mp4", ".mkv"}) {
        const std::string path = folder / "out" + ending;
        VideoSink sink({path}, false, encoded_by(EncoderChoice::automatic));
        write_with_sound(sink, folder / "in.nut");
        CHECK(sink.take_remarks().empty());
        CHECK(decoded_frames(path) == 25);
        const Bytes codec = output_of(
            "ffprobe -v error -select_streams a -show_entries stream=codec_name -of default=nw=1:nk=1 " + path);
        CHECK(std::string(codec.begin(), codec.end()) == "eac3\n");
    }
}

TEST_CASE("an empty sound track beside a full one is said, however long the recording", "[video]") {
    const TempFolder folder;
    // More packets than are read ahead for tracks to be named.
    if (!make_video("-f lavfi -i testsrc2=s=96x64:r=25:d=20 -f lavfi -i sine=d=20:r=48000 -map 0 -map 1 -map 1 "
                    "-c:v mpeg4 -c:a:0 mp2 -c:a:1 alac -filter:a:1 atrim=start=30",
                    folder / "in.mkv"))
        return;
    for (const std::string ending : {".mp4", ".mkv"}) {
        INFO(ending);
        VideoSink sink({folder / "out" + ending}, false, encoded_by(EncoderChoice::automatic));
        write_with_sound(sink, folder / "in.mkv");
        const std::vector<std::string> remarks = sink.take_remarks();
        REQUIRE(remarks.size() == 1);
        CAPTURE(remarks[0]);
        CHECK(remarks[0].find("lacks the recording's alac sound, which is empty") != std::string::npos);
    }
}

TEST_CASE("NVENC is taken where it is, and only for what is one part", "[video]") {
    const media::VideoFormat format{320, 240, 25, 1, 2, EncoderChoice::automatic};
    tools::VideoEncoders any(EncoderChoice::automatic), nvenc(EncoderChoice::nvenc);
    CHECK(any.open(0, "a.mp4", format, false).encoder.kind() == EncoderChoice::x264);
    CHECK(any.open(0, "a.mp4", format, true).encoder.kind() == EncoderChoice::x264);  // as its first part
    const tools::VideoEncoders::Opened first = any.open(1, "b.mp4", format, true);
    const tools::VideoEncoders::Opened second = any.open(2, "c.mp4", format, true);
    CHECK(first.encoder.kind() == second.encoder.kind());
    if (first.encoder.kind() == EncoderChoice::x264) {
        CHECK(first.session == nullptr);
        const Error error = error_of([&] { nvenc.open(0, "c.mp4", format, true); });
        CHECK(error.kind() == ErrorKind::unsupported);
        CHECK(std::string(error.what()).find("c.mp4") != std::string::npos);
        WARN("skipped: this machine has no NVENC, so how many parts it takes was not tested");
        return;
    }
    CHECK(any.open(3, "d.mp4", format, true).encoder.kind() == EncoderChoice::x264);  // no room
    const tools::VideoEncoders::Opened third = nvenc.open(0, "e.mp4", format, false);
    const tools::VideoEncoders::Opened fourth = nvenc.open(0, "e.mp4", format, false);
    const Error error = error_of([&] { nvenc.open(0, "e.mp4", format, false); });
    CHECK(error.kind() == ErrorKind::unsupported);
    CHECK(std::string(error.what()).find("2 pieces of video at a time") != std::string::npos);
}
