// SPDX-License-Identifier: MIT
//
// Recordings that begin between two keyframes: what is decoded is what the whole recording shows, what no decoder can
// know keeps its place, and nothing grey comes out, whatever the codec.
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include <convoy/media/input.h>
#include <convoy/media/source.h>
#include "tests/support/catch.h"
#include "tests/tools/media_files.h"
#include "tests/tools/segment_frames.h"
#include "tools/media/in/demuxer.h"

using namespace convoy;
using namespace convoy::test;

namespace {

struct Recording {
    const char *name, *encoder;
    int lost;  // packets at its begin
};

constexpr int kFrames = 200;

const Recording kRecordings[] = {
    {"h264.ts", "-c:v libx264 -preset veryfast -x264-params scenecut=0:keyint=60:bframes=3", 5},
    {"h264.mkv", "-c:v libx264 -preset veryfast -x264-params scenecut=0:keyint=60:bframes=3", 1},
    {"h264_open.ts", "-c:v libx264 -preset veryfast -x264-params scenecut=0:keyint=60:bframes=3:open-gop=1", 7},
    {"h264_one_keyframe.mkv", "-c:v libx264 -preset veryfast -x264-params scenecut=0:keyint=100:bframes=3", 30},
    {"h264_refreshed.ts", "-c:v libx264 -preset veryfast -x264-params scenecut=0:keyint=40:intra-refresh=1", 3},
    {"hevc.ts", "-c:v libx265 -preset ultrafast -x265-params log-level=none:pools=1:keyint=60:min-keyint=60", 5},
    {"hevc_open.mkv", "-c:v libx265 -preset ultrafast -x265-params log-level=none:pools=1:keyint=60:open-gop=1", 9},
    {"mpeg2.ts", "-c:v mpeg2video -bf 2 -g 60", 5},
    {"mpeg4.mkv", "-c:v mpeg4 -bf 2 -g 60", 5},
    {"vp8.webm", "-c:v libvpx -g 60 -deadline realtime -cpu-used 8", 5},
    {"vp9.webm", "-c:v libvpx-vp9 -g 60 -deadline realtime -cpu-used 8", 5},
};

/// By time stamp in milliseconds, as many as a container keeps.
using Marks = std::map<long, FrameMark>;

long milliseconds(double s) { return std::lround(s * 1000); }

Marks frames_of(const std::string& path) {
    Marks marks;
    for (const FrameMark& mark : read_in_sequence(path)) marks[milliseconds(mark.time_s)] = mark;
    return marks;
}

/// The places of all packets.
std::vector<long> stamps_of(const std::string& path) {
    media::Demuxer demuxer(path);
    media::PacketPtr packet(av_packet_alloc());
    std::vector<long> stamps;
    while (demuxer.read(*packet)) stamps.push_back(milliseconds(demuxer.stream()->seconds(packet->pts)));
    std::sort(stamps.begin(), stamps.end());
    return stamps;
}

void check_frames(Input& input, const Marks& whole, const std::vector<long>& places) {
    const auto reader = input.make_reader({});
    std::vector<long> found;
    int unknown = 0;
    bool known = false;
    while (const auto segment = input.next_segment()) {
        reader->open(segment);
        while (const std::optional<Frame> frame = reader->next()) {
            const FrameMark mark = mark_of(*frame);
            const long at = milliseconds(frame->time_s);
            found.push_back(at);
            CAPTURE(at, unknown);
            CHECK(mark.width == 160);
            if (frame->undecodable) {
                CHECK(!known);
                ++unknown;
                continue;
            }
            known = true;
            REQUIRE(whole.contains(at));
            CHECK(mark.hash == whole.at(at).hash);
        }
        CHECK(reader->notes().damaged == 0);
    }
    CHECK(input.notes().damaged == 0);
    CHECK(found == places);
    CHECK(unknown > 0);
    CHECK(unknown < 100);
}

}  // namespace

TEST_CASE("what lies before the first keyframe keeps its place and is no picture", "[inside-gop][slow]") {
    if (!has_ffmpeg()) {
        WARN("skipped: ffmpeg is not installed");
        return;
    }
    const TempFolder folder;
    for (const Recording& recording : kRecordings) {
        const std::string whole = folder / (std::string("whole_") + recording.name), cut = folder / recording.name;
        const std::string source = "-f lavfi -i testsrc2=size=160x128:rate=25:duration=8 -pix_fmt yuv420p ";
        if (!make_video(source + recording.encoder, whole)) continue;
        REQUIRE(make_video("-copyts -i '" + whole + "' -c copy -copyts -muxdelay 0 -bsf:v noise=drop='lt(n\\," +
                               std::to_string(recording.lost) + ")' ",
                           cut));
        INFO(recording.name);
        const std::vector<long> places = stamps_of(cut);
        REQUIRE(int(places.size()) == kFrames - recording.lost);
        check_frames(*media::open_input(cut), frames_of(whole), places);

        // By a decoder of its own it is the same, in seconds from the first place.
        const auto one_by_one = media::open_source(cut);
        std::size_t frames = 0, unknown = 0;
        for (; const auto frame = one_by_one->next(); ++frames) {
            CHECK((!frame->undecodable || unknown == frames));
            unknown += frame->undecodable;
        }
        CHECK(frames == places.size());
        CHECK(unknown > 0);
        CHECK(one_by_one->damaged() == 0);
    }
}

TEST_CASE("a recording without a keyframe has not one frame, and says so", "[inside-gop]") {
    const TempFolder folder;
    const std::string path = folder / "none.mkv";
    if (!make_video("-f lavfi -i testsrc2=size=160x128:rate=25:duration=2 -c:v libx264 -preset veryfast -g 100 "
                    "-bsf:v noise=drop='eq(n\\,0)' ",
                    path))
        return;
    const Error error = error_of([&] { media::open_input(path); });
    CHECK(error.kind() == ErrorKind::input);
    const std::string what = error.what();
    CAPTURE(what);
    CHECK(what.find("not one frame") != std::string::npos);
    CHECK(what.find("between two keyframes") != std::string::npos);
}

TEST_CASE("a recording that is refreshed bit by bit is shown after some seconds", "[inside-gop][slow]") {
    const TempFolder folder;
    const std::string path = folder / "refreshed.mkv";
    // One keyframe, which is lost; the recovery points are no keyframes either.
    if (!make_video("-f lavfi -i testsrc2=size=160x128:rate=25:duration=40 -c:v libx264 -preset ultrafast -g 10000 "
                    "-bsf:v noise=drop='eq(n\\,0)' ",
                    path))
        return;
    const auto input = media::open_input(path);
    const auto reader = input->make_reader({});
    int frames = 0, unknown = 0;
    while (const auto segment = input->next_segment()) {
        reader->open(segment);
        for (; const auto frame = reader->next(); ++frames) unknown += frame->undecodable;
    }
    CHECK(frames == 999);
    CHECK(unknown > 500);
    CHECK(unknown <= 600);
}
