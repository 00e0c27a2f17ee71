// SPDX-License-Identifier: MIT
//
// The sound of recordings that say little or wrong things of it, copied into an annotated video.
#include <cmath>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <convoy/media/source.h>
#include "tests/support/catch.h"
#include "tests/tools/media_files.h"
#include "tests/tools/video_packets.h"
#include "tools/media/files.h"
#include "tools/media/in/demuxer.h"
#include "tools/media/in/video_input.h"
#include "tools/media/out/recording_copy.h"
#include "tools/media/out/video_encoder.h"
#include "tools/media/out/video_muxer.h"

using namespace convoy;
using namespace convoy::test;

namespace {

constexpr int kFrames = 40;
const std::string kPictures = "-f lavfi -i testsrc2=size=96x64:rate=10:duration=4 ";
const std::string kSound = "-f lavfi -i sine=d=4:r=48000 ";

/// Four seconds of pictures with the recording's sound, whose first picture is shown at `origin_s`. What was left out.
std::string copy_sound(const std::string& recording, double origin_s, const std::string& path) {
    media::VideoEncoder encoder("video", {96, 64, 10, 1, 1, media::EncoderChoice::x264});
    media::EncodedFrames frames;
    std::vector<double> times;
    for (int i = 0; i < kFrames; ++i) {
        frames.append(encoder.write(synthetic(96, 64, i)));
        times.push_back(i / 10.);
    }
    frames.append(encoder.end());
    media::VideoMuxer muxer(path);
    muxer.copy_sound(recording, origin_s);
    muxer.append(std::move(frames), times);
    muxer.close();
    return muxer.sound_left_out();
}

/// The begins of a file's packets of sound.
std::vector<double> sound_times(const std::string& path) {
    const Bytes text =
        output_of("ffprobe -v error -select_streams a -show_entries packet=pts_time -of csv=p=0 '" + path + "'");
    std::istringstream lines(std::string(text.begin(), text.end()));
    std::vector<double> times;
    for (std::string line; std::getline(lines, line);) times.push_back(std::stod(line));
    return times;
}

double first_time_s(const std::string& recording) {
    media::VideoInput input(std::make_unique<media::Demuxer>(recording), {}, {});
    const auto reader = input.make_reader({});
    reader->open(input.next_segment());
    return reader->next()->time_s;
}

}  // namespace

TEST_CASE("the sound of an .avi begins with its first picture, however long that waits for others", "[sound]") {
    const TempFolder folder;
    const std::string codecs[] = {"libx264 -bf 3", "mpeg4 -bf 2", "mpeg4"};
    for (const std::string& codec : codecs) {
        const std::string path = folder / "x.avi";
        if (!make_video(kPictures + kSound + "-c:a mp2 -c:v " + codec, path)) continue;
        for (const std::string copy : {"copy.mkv", "copy.mp4"}) {
            CAPTURE(codec, copy);
            copy_sound(path, first_time_s(path), folder / copy);
            const std::vector<double> times = sound_times(folder / copy);
            CHECK(times.size() == sound_times(path).size());
            REQUIRE(!times.empty());
            CHECK(std::fabs(times.front()) < .01);
        }
    }
}

TEST_CASE("sound that libav counts wrongly in an .avi is copied at its own pace", "[sound]") {
    const TempFolder folder;
    for (const std::string codec : {"eac3", "g726 -ar 8000 -ac 1", "dca -strict -2", "ac3", "mp2", "pcm_s16le"}) {
        const std::string path = folder / "x.avi";
        if (!make_video(kPictures + kSound + "-c:v mpeg4 -c:a " + codec, path)) continue;
        for (const std::string copy : {"copy.mkv", "copy.mp4", "copy.mov"}) {
            CAPTURE(codec, copy);
            const std::string left_out = copy_sound(path, 0, folder / copy);
            if (!left_out.empty()) continue;
            const std::vector<double> times = sound_times(folder / copy);
            REQUIRE(times.size() > 10);
            CHECK(times.front() < .01);
            CHECK(times.back() > 3.7);
            CHECK(times.back() < 4.1);
        }
    }
}

TEST_CASE("sound with nothing in it is no track of a copy", "[sound]") {
    const TempFolder folder;
    const std::string path = folder / "x.mkv";
    if (!make_video(kPictures + kSound + "-c:v mpeg4 -c:a aac -t 4 -af atrim=start=9", path)) return;
    copy_sound(path, 0, folder / "copy.mkv");
    CHECK(output_of("ffprobe -v error -show_entries stream=codec_type -of csv=p=0 '" + folder / "copy.mkv" + "'") ==
          Bytes{'v', 'i', 'd', 'e', 'o', '\n'});
}

TEST_CASE("a part of a playlist's separate sound that is missing is said where the sound is copied", "[sound]") {
    const TempFolder folder;
    if (!make_video(kPictures + "-c:v libx264 -bf 0 -g 10 -f hls -hls_time 1 -hls_playlist_type vod",
                    folder / "v.m3u8") ||
        !make_video(kSound + "-c:a aac -f hls -hls_time 1 -hls_playlist_type vod", folder / "a.m3u8"))
        return;
    media::write_file(folder / "x.m3u8",
                      "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"s\",NAME=\"s\",DEFAULT=YES,URI=\"a.m3u8\"\n"
                      "#EXT-X-STREAM-INF:BANDWIDTH=800000,AUDIO=\"s\"\nv.m3u8\n");
    const double origin_s = first_time_s(folder / "x.m3u8");
    CHECK(copy_sound(folder / "x.m3u8", origin_s, folder / "copy.mkv") == "");
    const std::size_t whole = sound_times(folder / "copy.mkv").size();
    std::filesystem::remove(folder / "a2.ts");
    const auto source = media::open_source(folder / "x.m3u8", {1});
    int frames = 0;
    while (source->next()) ++frames;
    CHECK(frames == kFrames);  // it costs no picture
    CHECK(source->damaged() == 0);
    const std::string left_out = copy_sound(folder / "x.m3u8", origin_s, folder / "copy.mkv");
    const std::string text = media::lack_text("copy.mkv", left_out);
    CAPTURE(text);
    CHECK(text.find("lacks the recording's sound where a part of it, ") != text.npos);
    CHECK(text.find("a2.ts, cannot be opened") != text.npos);
    CHECK(sound_times(folder / "copy.mkv").size() < whole);
}
