// SPDX-License-Identifier: MIT
//
// Parts of recordings, and every N-th frame: what comes is what decoding the whole file in sequence shows there.
#include <cmath>
#include <fstream>
#include <memory>

#include <convoy/error.h>
#include <convoy/media/input.h>
#include "tests/support/catch.h"
#include "tests/tools/media_files.h"
#include "tests/tools/segment_frames.h"
#include "tools/media/in/demuxer.h"

using namespace convoy;
using namespace convoy::test;

namespace {

struct Recording {
    const char *name, *encoder;
};

const Recording kRecordings[] = {
    {"h264.mp4", "-c:v libx264 -preset veryfast -g 50 -bf 3"},
    {"h264_open.mkv", "-c:v libx264 -preset veryfast -x264-params keyint=60:scenecut=0:bframes=3:open-gop=1"},
    {"h264.ts", "-c:v libx264 -preset veryfast -g 50 -bf 3"},
    {"h264_one_keyframe.mp4", "-c:v libx264 -preset veryfast -g 1000 -bf 3"},
    {"hevc.mkv", "-c:v libx265 -preset ultrafast -x265-params log-level=none:pools=1:keyint=60:open-gop=1"},
    {"mpeg2.ts", "-c:v mpeg2video -bf 2 -g 12"},
    {"jpeg.avi", "-c:v mjpeg"},
    {"vp9.webm", "-c:v libvpx-vp9 -g 60 -deadline realtime -cpu-used 8"},
};

media::InputOptions part(std::int64_t every, double start_s, double stop_s, std::int64_t frames = 0) {
    media::InputOptions options;
    options.every = every, options.start_s = start_s, options.stop_s = stop_s, options.frames = frames;
    return options;
}

std::vector<FrameMark> frames_of(Input& input) {
    std::vector<FrameMark> frames;
    const auto reader = input.make_reader({});
    for (const auto& segment : all_segments(input))
        for (const FrameMark& mark : read_segment(*reader, segment)) frames.push_back(mark);
    return frames;
}

std::vector<FrameMark> wanted_of(const std::vector<FrameMark>& all, double begin_s, const media::InputOptions& o) {
    std::vector<FrameMark> wanted;
    std::int64_t held = 0;
    for (const FrameMark& mark : all) {
        const double at_s = mark.time_s - begin_s;
        if (at_s < o.start_s - 1e-6 || (o.stop_s > 0 && at_s >= o.stop_s - 1e-6)) continue;
        if (held++ % o.every == 0 && (o.frames == 0 || std::int64_t(wanted.size()) < o.frames)) wanted.push_back(mark);
    }
    return wanted;
}

}  // namespace

TEST_CASE("a part of a recording is what the whole recording shows there", "[window]") {
    const TempFolder folder;
    for (const Recording& recording : kRecordings) {
        const std::string path = folder / recording.name;
        if (!make_video(std::string("-f lavfi -i testsrc2=size=96x64:rate=25:duration=12 ") + recording.encoder, path))
            continue;
        const std::vector<FrameMark> all = read_in_sequence(path);
        REQUIRE(all.size() > 290);
        const double begin_s = media::Demuxer(path).begin_s();
        for (const media::InputOptions& options :
             {part(1, 0, 0), part(3, 0, 0), part(90, 0, 0), part(1000, 0, 0), part(1, 4, 0), part(1, 7.98, 9.1),
              part(7, 3.33, 11.95), part(1, 0, .04), part(40, 5, 0), part(4, 5.5, 10, 9)}) {
            INFO(recording.name << ", every " << options.every << ", from " << options.start_s << " to "
                                << options.stop_s << ", frames " << options.frames);
            const std::vector<FrameMark> wanted = wanted_of(all, begin_s, options);
            REQUIRE(!wanted.empty());
            const auto input = media::open_input(path, options);
            CHECK(difference(frames_of(*input), wanted) == "");
            CHECK(input->notes().damaged == 0);
            const InputInfo& info = input->info();
            CHECK(info.frame_step == options.every);
            if (options.start_s > 0) CHECK(std::fabs(info.start_s - (wanted[0].time_s - begin_s)) < 1e-6);
            const auto held = std::int64_t(wanted_of(all, begin_s, part(1, options.start_s, options.stop_s)).size());
            const bool shorter = options.every > 1 && options.frames == 0;
            CHECK(std::fabs(input->last_frame_s() - (shorter ? double((held - 1) % options.every + 1) / 25 : 0)) <
                  1e-9);
            if (options.frames == 0 && info.frames_estimate > 0)
                CHECK(std::abs(info.frames_estimate - std::int64_t(wanted.size())) <= 2);
        }
        const Error error = error_of([&] { media::open_input(path, part(1, 100, 0)); });
        CHECK(error.kind() == ErrorKind::input);
        CHECK(std::string(error.what()).find("ends before the time") != std::string::npos);
    }
}

TEST_CASE("an index is used: what lies far before the start is not read", "[window]") {
    const TempFolder folder;
    const std::string path = folder / "long.mp4";
    if (!make_video("-f lavfi -i testsrc2=size=96x64:rate=25:duration=40 -c:v libx264 -preset ultrafast -g 25", path))
        return;
    media::Demuxer demuxer(path);
    demuxer.seek_before(30);
    media::PacketPtr packet(av_packet_alloc());
    REQUIRE(demuxer.read(*packet));
    const double first_s = demuxer.stream()->seconds(packet->pts);
    CHECK(first_s <= 29);
    CHECK(first_s > 26);
    CHECK(packet->flags & AV_PKT_FLAG_KEY);
}

TEST_CASE("parts that make no sense are refused", "[window]") {
    for (const media::InputOptions& options : {part(0, 0, 0), part(1, -1, 0), part(1, 5, 5), part(1, 5, 4),
                                               part(1, std::nan(""), 0), part(1, 0, std::nan(""))})
        CHECK(error_of([&] { media::open_input(clip(), options); }).kind() == ErrorKind::usage);
}

TEST_CASE("what follows a begun part lies in it, though time stamps begin anew", "[window]") {
    const TempFolder folder;
    const std::string once = folder / "once.ts", twice = folder / "twice.ts";
    for (const char* gop : {"50", "1000"}) {  // cut into segments, or handed out
        if (!make_video(std::string("-f lavfi -i testsrc2=size=96x64:rate=25:duration=6 -c:v libx264 -bf 2 -g ") + gop,
                        once))
            return;
        std::ofstream(twice, std::ios::binary)
            << std::ifstream(once, std::ios::binary).rdbuf() << std::ifstream(once, std::ios::binary).rdbuf();
        std::vector<FrameMark> all = read_in_sequence(twice);
        INFO("-g " << gop << ": " << all.size() << " frames");
        REQUIRE(all.size() > 290);
        all.erase(all.begin(), all.begin() + 50);
        CHECK(difference(frames_of(*media::open_input(twice, part(1, 2, 0))), all) == "");
    }
}
