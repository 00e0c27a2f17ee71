// SPDX-License-Identifier: MIT
#include "tools/media/out/video_muxer.h"

#include <malloc.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <numeric>
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/random.h"
#include "tests/tools/media_files.h"
#include "tests/tools/video_packets.h"
#include "tools/media/out/rgb_to_nv12.h"

using namespace convoy;
using namespace convoy::test;
using media::EncodedFrames;
using media::EncoderChoice;
using media::VideoCodec;
using media::VideoEncoder;
using media::VideoFormat;
using media::VideoMuxer;

namespace {

constexpr int kWidth = 96, kHeight = 64;

VideoFormat format(int threads = 1) { return {kWidth, kHeight, 25, 1, threads, EncoderChoice::x264}; }

/// Frames `first` … `first + count - 1` of a video of moving pictures.
EncodedFrames encode(int first, int count, int threads = 1) {
    VideoEncoder encoder("part", format(threads));
    EncodedFrames frames;
    for (int i = first; i < first + count; ++i) frames.append(encoder.write(synthetic(kWidth, kHeight, i)));
    frames.append(encoder.end());
    return frames;
}

std::vector<double> steady(int count) {
    std::vector<double> times;
    for (int i = 0; i < count; ++i) times.push_back(i / 25.);
    return times;
}

/// Encodes parts of these lengths and puts them together.
void write_video(const std::string& path, const std::vector<int>& lengths, const std::vector<double>& times) {
    VideoMuxer muxer(path);
    int first = 0;
    for (const int n : lengths) {
        muxer.append(encode(first, n), std::span(times).subspan(std::size_t(first), std::size_t(n)));
        first += n;
    }
    CHECK(muxer.frames() == first);
    muxer.close();
}

/// Everything that must be so, whatever the parts were.
void check_video(const std::string& path, const std::vector<int>& lengths, const std::vector<double>& expected,
                 double tick = 1. / 90000) {
    const std::vector<Packet> packets = packets_of(path);
    REQUIRE(packets.size() == expected.size());
    for (std::size_t i = 0; i < packets.size(); ++i) {
        CAPTURE(path, i, packets[i].dts_s, packets[i].pts_s);
        CHECK(packets[i].dts_s <= packets[i].pts_s);
        if (i > 0 && !path.ends_with("mkv")) CHECK(packets[i].dts_s > packets[i - 1].dts_s);  // .mkv has no dts
    }
    std::size_t first = 0;
    for (const int n : lengths) {
        CHECK(packets[first].key);
        first += std::size_t(n);
    }
    const std::vector<double> times = shown_times(packets);
    for (std::size_t i = 0; i < times.size(); ++i) {
        CAPTURE(path, i, times[i], expected[i]);
        CHECK(std::fabs(times[i] - (expected[i] - expected[0])) <= 1.01 * tick);
    }
    const int decoded = decoded_frames(path);
    if (decoded < 0) {
        WARN("ffmpeg is not installed: nobody else has decoded " << path);
        return;
    }
    CHECK(decoded == int(expected.size()));
    CHECK(decoding_faults(path) == "");
}

std::string only_file_in(const TempFolder& folder) {
    const std::filesystem::directory_iterator files(folder / "");
    REQUIRE(std::distance(begin(files), end(files)) == 1);
    return std::filesystem::directory_iterator(folder / "")->path();
}

/// The names of an MP4's outermost boxes, in their order.
std::vector<std::string> boxes_of(const std::string& path) {
    const Bytes bytes = read_bytes(path);
    std::vector<std::string> names;
    for (std::size_t at = 0; at + 8 <= bytes.size();) {
        const std::size_t size =
            std::size_t(bytes[at]) << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3];
        names.emplace_back(bytes.begin() + long(at) + 4, bytes.begin() + long(at) + 8);
        if (size < 8) break;
        at += size;
    }
    return names;
}

}  // namespace

TEST_CASE("a picture that is NV12 already is encoded as it is", "[video]") {
    const auto bytes_of = [](EncodedFrames frames, EncodedFrames end) {
        frames.append(std::move(end));
        Bytes all;
        for (const media::PacketPtr& packet : frames.packets)
            all.insert(all.end(), packet->data, packet->data + packet->size);
        return all;
    };
    for (const VideoCodec codec : {VideoCodec::h264, VideoCodec::hevc}) {
        VideoFormat of = format(1);
        of.codec = codec;
        VideoEncoder from_rgb("a", of), from_nv12("b", of);
        EncodedFrames one, other;
        for (int i = 0; i < 3; ++i) {
            const media::Image image = synthetic(of.width, of.height, i);
            media::Nv12Image nv12;
            nv12.matrix = ColorMatrix::bt601;
            media::rgb_to_nv12(image, nv12);
            one.append(from_rgb.write(image));
            REQUIRE(from_nv12.takes(nv12));
            other.append(from_nv12.write(nv12));
        }
        const Bytes bytes = bytes_of(std::move(one), from_rgb.end());
        CHECK(bytes.size() > 100);
        CHECK(bytes == bytes_of(std::move(other), from_nv12.end()));
    }
    VideoEncoder encoder("c", format(1));
    media::Nv12Image other;
    other.matrix = ColorMatrix::bt709;  // which this size does not have
    media::rgb_to_nv12(synthetic(format(1).width, format(1).height, 1), other);
    CHECK_FALSE(encoder.takes(other));
    CHECK(error_of([&] { encoder.write(other); }).kind() == ErrorKind::usage);
    other.matrix = ColorMatrix::bt601;
    CHECK(encoder.takes(other));
    other.range = ColorRange::full;
    CHECK_FALSE(encoder.takes(other));
    media::Nv12Image small;
    small.matrix = ColorMatrix::bt601;
    media::rgb_to_nv12(synthetic(32, 32, 1), small);
    CHECK_FALSE(encoder.takes(small));
}

TEST_CASE("parts of any length make one video", "[muxer]") {
    const TempFolder folder;
    REQUIRE(VideoEncoder("x", format()).stream().delay > 1);  // shorter parts than this are among these
    for (const std::vector<int>& lengths :
         {std::vector<int>{30}, {1}, {2, 1}, {1, 1, 1, 1}, {13, 1, 2, 3, 40, 1, 1, 5}, {3, 3, 3, 3, 3}})
        for (const char* ending : {"mp4", "mkv", "mov"}) {
            if (lengths.size() < 5 && ending != std::string("mp4")) continue;
            const std::string path = folder / (std::string("v.") + ending);
            const int total = std::accumulate(lengths.begin(), lengths.end(), 0);
            write_video(path, lengths, steady(total));
            check_video(path, lengths, steady(total), ending == std::string("mkv") ? .001 : 1. / 90000);
        }
}

TEST_CASE("a video whose writer is killed plays up to its last part, one that is done is plain", "[muxer]") {
    for (const char* ending : {"mp4", "mov", "mkv"}) {
        const TempFolder folder;
        const std::string path = folder / (std::string("v.") + ending), killed = folder / (std::string("k.") + ending);
        const std::vector<double> times = steady(25);
        VideoMuxer muxer(path);
        muxer.append(encode(0, 13), std::span(times).first(13));
        muxer.append(encode(13, 7), std::span(times).subspan(13, 7));
        std::filesystem::copy_file(only_file_in(folder), killed);
        check_video(killed, {13, 7}, steady(20), ending == std::string("mkv") ? .001 : 1. / 90000);
        std::filesystem::remove(killed);
        muxer.append(encode(20, 5), std::span(times).subspan(20, 5));
        muxer.close();
        CHECK(only_file_in(folder) == path);
        check_video(path, {13, 7, 5}, times, ending == std::string("mkv") ? .001 : 1. / 90000);
        if (ending == std::string("mkv")) continue;
        const std::vector<std::string> boxes = boxes_of(path);
        CAPTURE(boxes);
        CHECK(std::count(boxes.begin(), boxes.end(), "moof") == 0);
        CHECK(std::count(boxes.begin(), boxes.end(), "mdat") == 1);
        CHECK(std::find(boxes.begin(), boxes.end(), "moov") < std::find(boxes.begin(), boxes.end(), "mdat"));
    }
}

TEST_CASE("so does one part that grows, whose encoder holds frames back", "[muxer]") {
    const TempFolder folder;
    VideoMuxer muxer(folder / "v.mp4");
    VideoEncoder encoder("part", format());
    const std::vector<double> times = steady(200);
    for (int i = 0; i < 200; ++i)
        muxer.append(encoder.write(synthetic(kWidth, kHeight, i)), std::span(times).subspan(std::size_t(i), 1));
    std::filesystem::copy_file(only_file_in(folder), folder / "k.mp4");
    const std::size_t playing = packets_of(folder / "k.mp4").size();
    CHECK(playing > 100);  // all but what is held back, and a second
    CHECK(playing <= 200);
    CHECK(decoding_faults(folder / "k.mp4") == "");
    std::filesystem::remove(folder / "k.mp4");
    muxer.append(encoder.end(), {});
    muxer.close();
    check_video(folder / "v.mp4", {200}, times);
}

TEST_CASE("frames of parts stand where they were written", "[muxer]") {
    const TempFolder folder;
    write_video(folder / "v.mp4", {1, 4, 17, 2}, steady(24));
    const Bytes rgb = output_of("ffmpeg -i '" + folder / "v.mp4" + "' -f rawvideo -pix_fmt rgb24 -");
    if (rgb.empty()) {
        WARN("skipped: ffmpeg is not installed");
        return;
    }
    const std::size_t bytes = std::size_t(kWidth) * kHeight * 3;
    REQUIRE(rgb.size() == 24 * bytes);
    for (std::size_t i = 0; i < 24; ++i) {
        const media::Image back{kWidth, kHeight,
                                Bytes(rgb.begin() + long(i * bytes), rgb.begin() + long((i + 1) * bytes))};
        CAPTURE(i);
        CHECK(psnr(back, synthetic(kWidth, kHeight, int(i))) > 30);
        CHECK(psnr(back, synthetic(kWidth, kHeight, int(i))) > psnr(back, synthetic(kWidth, kHeight, int(i) + 1)));
    }
}

TEST_CASE("times vary, stand still and go backwards across parts", "[muxer]") {
    const TempFolder folder;
    const std::vector<int> lengths = {4, 1, 6, 2, 20};
    std::vector<double> times = {0, .04, .0401, .5, .5, .2, .6, .7, 40, 40.001, 39, 41, 41, NAN}, expected;
    for (const float gap : random_floats(19, 7, 0.f, .3f))
        times.push_back((times.size() == 14 ? 41.5 : times.back()) + gap);
    times.back() += 30;  // the last frame is not cut off by a length that counts frames by their time of decoding
    for (const double time : times) {
        const double next = expected.empty() ? 0 : expected.back() + 1. / 90000;
        expected.push_back(time > next ? time : next);
    }
    write_video(folder / "v.mp4", lengths, times);
    check_video(folder / "v.mp4", lengths, expected, 3. / 90000);  // three times in a row do not rise
    write_video(folder / "v.mkv", lengths, times);
    check_video(folder / "v.mkv", lengths, expected, .003);
}

TEST_CASE("parts encoded at once and with more threads fit", "[muxer]") {
    const TempFolder folder;
    const std::vector<int> lengths = {9, 1, 14, 5, 30, 2, 8, 11};
    const int total = std::accumulate(lengths.begin(), lengths.end(), 0);
    write_video(folder / "in-sequence.mp4", lengths, steady(total));
    for (const bool alike : {true, false}) {
        std::vector<EncodedFrames> parts(lengths.size());
        {
            std::vector<std::jthread> threads;
            for (std::size_t i = lengths.size(); i-- > 0;)
                threads.emplace_back([&, i] {
                    const int first = std::accumulate(lengths.begin(), lengths.begin() + long(i), 0);
                    parts[i] = encode(first, lengths[i], alike ? 1 : int(i % 3) + 1);
                });
        }
        VideoMuxer muxer(folder / "at-once.mp4");
        const std::vector<double> times = steady(total);
        std::size_t first = 0;
        for (std::size_t i = 0; i < parts.size(); ++i) {
            CHECK(int(parts[i].packets.size()) == lengths[i]);
            muxer.append(std::move(parts[i]), std::span(times).subspan(first, std::size_t(lengths[i])));
            first += std::size_t(lengths[i]);
        }
        muxer.close();
        check_video(folder / "at-once.mp4", lengths, times);
        if (alike) CHECK(read_bytes(folder / "at-once.mp4") == read_bytes(folder / "in-sequence.mp4"));
    }
}

TEST_CASE("HEVC of one thread and of several fits", "[muxer]") {
    if (!avcodec_find_encoder_by_name("libx265")) {
        WARN("skipped: this libav has no libx265");
        return;
    }
    const TempFolder folder;
    const std::vector<double> times = steady(36);
    VideoMuxer muxer(folder / "v.mp4");
    for (int part = 0; part < 3; ++part) {
        VideoFormat of{320, 256, 25, 1, part + 1, EncoderChoice::x264};  // several rows of blocks, for several threads
        of.codec = VideoCodec::hevc;
        VideoEncoder encoder("part", of);
        EncodedFrames frames;
        for (int i = 0; i < 12; ++i) frames.append(encoder.write(synthetic(of.width, of.height, 12 * part + i)));
        frames.append(encoder.end());
        muxer.append(std::move(frames), std::span(times).subspan(std::size_t(12 * part), 12));
    }
    muxer.close();
    check_video(folder / "v.mp4", {12, 12, 12}, times);
}

TEST_CASE("the bare H.264 stream of parts holds every frame", "[muxer]") {
    const TempFolder folder;
    write_video(folder / "v.mp4", {1, 1, 1, 7, 1, 1}, steady(12));  // keyframes that follow each other, too
    if (!has_ffmpeg()) {
        WARN("skipped: ffmpeg is not installed");
        return;
    }
    output_of("ffmpeg -i '" + folder / "v.mp4" + "' -c copy -bsf h264_mp4toannexb '" + folder / "v.h264" + "'");
    CHECK(decoded_frames(folder / "v.h264") == 12);
    CHECK(decoding_faults(folder / "v.h264") == "");
}

TEST_CASE("frames and times may come one by one, each ahead of the other", "[muxer]") {
    const TempFolder folder;
    const std::vector<double> times = steady(20);
    write_video(folder / "whole.mp4", {20}, times);
    for (const bool times_first : {true, false}) {
        VideoMuxer muxer(folder / "pieces.mp4");
        EncodedFrames frames = encode(0, 20);
        if (times_first) muxer.append({frames.stream, {}}, times);
        CHECK(muxer.frames() == (times_first ? 20 : 0));
        while (!frames.packets.empty()) {
            EncodedFrames one{frames.stream, {}};
            one.packets.push_back(std::move(frames.packets.front()));
            frames.packets.pop_front();
            if (times_first) {
                CHECK(error_of([&] { muxer.close(); }).kind() == ErrorKind::usage);
            }
            muxer.append(std::move(one), {});
        }
        if (!times_first)
            for (const double& time : times) muxer.append({}, std::span(&time, 1));
        muxer.close();
        CHECK(read_bytes(folder / "pieces.mp4") == read_bytes(folder / "whole.mp4"));
    }
}

TEST_CASE("the same pictures give the same bits, whatever memory held before", "[muxer]") {
    std::vector<std::pair<int, int>> sizes = {{64, 48}, {96, 64}, {128, 64}, {136, 64}, {256, 64}, {322, 66}};
    for (int width = 16; width <= 130; width += 19) sizes.emplace_back(width, 146 - width);
    for (const auto& [width, height] : sizes) {
        std::vector<Bytes> first;
        for (const int held : {0, 1, 85, 170, 255}) {
            ::mallopt(M_PERTURB, held);  // what glibc hands out is full of it
            VideoEncoder encoder("v.mp4", {width, height, 25, 1, 1, EncoderChoice::x264});
            EncodedFrames frames;
            for (int i = 0; i < 12; ++i) {
                media::Image moving = synthetic(width, height, i);
                for (std::size_t at = 0; at < moving.rgb.size(); ++at) moving.rgb[at] = moving.rgb[at / 3 * 3];
                frames.append(encoder.write(moving));  // grey it only moves, so that there are frames in between
            }
            frames.append(encoder.end());
            ::mallopt(M_PERTURB, 0);
            std::vector<Bytes> packets;
            for (const auto& packet : frames.packets) packets.emplace_back(packet->data, packet->data + packet->size);
            if (first.empty()) first = packets;
            CAPTURE(width, height, held);
            const bool same = packets == first;
            CHECK(same);
        }
    }
}

TEST_CASE("what does not belong into one video is refused", "[muxer]") {
    const TempFolder folder;
    {
        VideoMuxer muxer(folder / "v.mp4");
        const std::vector<double> times = steady(8);
        muxer.append(encode(0, 4), std::span(times).first(4));
        CHECK_FALSE(std::filesystem::exists(folder / "v.mp4"));
        for (VideoFormat other :
             {VideoFormat{64, 64, 25, 1, 1, EncoderChoice::x264}, {kWidth, kHeight, 50, 1, 1, EncoderChoice::x264}}) {
            VideoEncoder encoder("x", other);
            const Error error =
                error_of([&] { muxer.append(encoder.write(synthetic(other.width, other.height, 0)), {}); });
            CHECK(error.kind() == ErrorKind::unsupported);
            CHECK(std::string(error.what()).find("v.mp4': the frames from number 4 on (libx264") != std::string::npos);
        }
        muxer.append(encode(4, 4), std::span(times).first(3));  // a time is missing
        CHECK(error_of([&] { muxer.append(encode(8, 1), {}); }).kind() == ErrorKind::usage);
        CHECK(error_of([&] { muxer.close(); }).kind() == ErrorKind::usage);
    }
    CHECK(folder.names().empty());
    {
        VideoMuxer muxer(folder / "never.mp4");
        CHECK(folder.names().size() == 1);  // a folder that cannot be written is found before any work
        CHECK(error_of([&] { muxer.close(); }).kind() == ErrorKind::output);
    }
    CHECK(error_of([&] { VideoMuxer(folder / "none/v.mp4"); }).kind() == ErrorKind::output);
    CHECK(error_of([&] { VideoMuxer(folder / "v.webm"); }).kind() == ErrorKind::usage);
    CHECK(folder.names().empty());
}

TEST_CASE("an encoder that is not there is passed over or named", "[muxer]") {
    VideoFormat wanted = format();
    wanted.encoder = EncoderChoice::nvenc;
    try {
        const VideoEncoder nvenc("v.mp4", wanted);
        CHECK(nvenc.kind() == EncoderChoice::nvenc);
        WARN("this machine has NVENC: that it is passed over elsewhere was not tested");
        return;
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::unsupported);
        CHECK(std::string(error.what()).find("'v.mp4'") != std::string::npos);
    }
    wanted.encoder = EncoderChoice::automatic;
    const TempFolder folder;
    VideoEncoder encoder("v.mp4", wanted);
    CHECK(encoder.kind() == EncoderChoice::x264);
    VideoMuxer muxer(folder / "v.mp4");
    muxer.append(encoder.write(synthetic(kWidth, kHeight, 0)), steady(1));
    muxer.append(encoder.end(), {});
    muxer.append(encode(1, 3), {steady(4)});  // what it has chosen can be asked for by name
    CHECK(error_of([&] { encoder.write(synthetic(kWidth, kHeight, 0)); }).kind() == ErrorKind::usage);
}

TEST_CASE("a full disk is found with the part that does not fit", "[muxer]") {
    const TempFolder folder;
    if (::geteuid() != 0 || ::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=64k") != 0) {
        WARN("skipped: mounting a small disk takes root's rights");
        return;
    }
    const std::unique_ptr<const char, void (*)(const char*)> mounted(folder.path().c_str(),
                                                                     [](const char* path) { ::umount(path); });
    {
        VideoMuxer muxer(folder / "full.mp4");
        const Error error = error_of([&] {
            for (int part = 0; part < 100; ++part) {
                VideoEncoder encoder("part", format());
                media::Image noise = synthetic(kWidth, kHeight, part);
                for (std::size_t i = 0; i < noise.rgb.size(); ++i)
                    noise.rgb[i] = std::uint8_t((i * i * 2654435761u) >> 24);
                EncodedFrames frames = encoder.write(noise);
                frames.append(encoder.end());
                const double time = part;
                muxer.append(std::move(frames), std::span(&time, 1));
            }
        });
        CHECK(error.kind() == ErrorKind::output);
        CHECK(std::string(error.what()).find("full.mp4': No space left") != std::string::npos);
    }
    CHECK(folder.names().empty());
}
