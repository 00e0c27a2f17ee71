// SPDX-License-Identifier: MIT
#include "tools/sinks/overlay_sink.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <convoy/media/draw.h>
#include <convoy/media/input.h>
#include <convoy/media/source.h>
#include "tests/support/catch.h"
#include "tests/support/data.h"
#include "tests/tools/child.h"
#include "tests/tools/media_files.h"
#include "tests/tools/video_packets.h"
#include "tools/media/av_compat.h"
#include "tools/media/draw/look.h"

using namespace convoy;
using namespace convoy::test;
using tools::OverlaySink;

namespace {

const std::vector<std::string> kNames = {"person", "car, red", "{\\b1}cat"};

std::vector<Detection> boxes(int frame) {
    const auto shift = float(frame % 20);
    return {{0, .875f, {20 + shift, 60, 50, 90}}, {1, .5f, {100, 40 + shift, 60, 40}}, {9, .25f, {100, 150, 40, 40}}};
}

/// All frames of an input through the sink, with what boxes() says; its times, and how many frames there were.
std::vector<double> overlay(OverlaySink& sink, const std::string& path, int most = 1 << 30, int index = 0) {
    const std::unique_ptr<Input> input = media::open_input(path, {});
    const auto reader = input->make_reader({});
    std::vector<double> times;
    while (const auto segment = input->next_segment())
        for (reader->open(segment);;) {
            const std::optional<Frame> frame = reader->next();
            if (!frame || int(times.size()) == most) break;
            Result result;
            result.frame = *frame;
            result.frame.index = std::int64_t(times.size());
            result.frame.pts_s = frame->time_s;
            const double first_s = times.empty() ? frame->time_s : times.front();
            result.frame.time_s = std::isnan(first_s) ? double(times.size()) / 25 : frame->time_s - first_s;
            result.detections = boxes(int(times.size()));
            times.push_back(frame->time_s);
            sink.write({input->info(), index, result});
        }
    sink.end_input(index, int(times.size()) < most);
    return times;
}

struct Shown {
    double start_s, end_s;
    std::string style, text;
};

/// The subtitles of a file, as ffmpeg reads them.
std::vector<Shown> shown(const std::string& path) {
    const Bytes bytes = output_of("ffmpeg -v error -i '" + path + "' -map 0:s -f ass -");
    std::istringstream lines(std::string(bytes.begin(), bytes.end()));
    std::vector<Shown> all;
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("Dialogue: ")) continue;
        std::istringstream fields(line.substr(10));
        std::string field[9], text;
        for (std::string& f : field) std::getline(fields, f, ',');
        std::getline(fields, text, '\r');
        const auto seconds = [](const std::string& t) {
            return 3600 * std::stod(t) + 60 * std::stod(t.substr(2, 2)) + std::stod(t.substr(5));
        };
        all.push_back({seconds(field[1]), seconds(field[2]), field[3], text});
    }
    return all;
}

/// What libass draws of a script on a black picture.
media::Image rendered(const std::string& script, int width, int height) {
    const std::string size = std::to_string(width) + "x" + std::to_string(height);
    media::Image image{width, height,
                       output_of("ffmpeg -v error -f lavfi -i color=black:s=" + size + " -vf \"format=rgb24,ass='" +
                                 script + "'\" -frames:v 1 -f rawvideo -pix_fmt rgb24 -")};
    return image;
}

int difference(const media::Image& image, int x, int y, media::Color color) {
    const std::uint8_t* p = image.row(y) + 3 * x;
    return std::max({std::abs(p[0] - color.r), std::abs(p[1] - color.g), std::abs(p[2] - color.b)});
}

}  // namespace

TEST_CASE("zones and lines are drawn under the boxes, with their counts", "[overlay]") {
    const TemporaryFolder folder;
    const media::AssScript script({"person"}, 320, 240);
    CHECK(script.header().find("Style: zone label,") != std::string::npos);
    const std::vector<media::Outline> outlines = {{{{40, 40}, {280, 40}, {280, 200}, {40, 200}}, true, "yard {a}: 3"},
                                                  {{{-500, 120}, {900, 120}}, false, "door"}};
    int order = 0;
    const std::vector<std::string> events = script.events({}, 320, 240, order, outlines);
    REQUIRE(events.size() == 3);
    CHECK(events[1].find(",zone label,,0,0,0,,{\\an7\\pos(") != std::string::npos);
    CHECK(events[1].ends_with("yard (a): 3"));
    std::string text = script.header();
    for (const std::string& event : events)
        text += "Dialogue: 0,0:00:00.00,0:00:09.00," + event.substr(event.find(',', event.find(',') + 1) + 1) + "\n";
    write_file(folder / "z.ass", text);
    const media::Image image = rendered(folder / "z.ass", 320, 240);
    for (const auto& [x, y] : {std::pair{200, 40}, {280, 100}, {40, 150}, {150, 200}, {2, 120}, {317, 120}})
        CHECK(difference(image, x, y, {255, 255, 255}) < 40);
    CHECK(difference(image, 200, 80, {0, 0, 0}) < 10);
    CHECK(difference(image, 20, 220, {0, 0, 0}) < 10);
}

TEST_CASE("a script has a style for each class, and nothing in a name is taken for more than text", "[overlay]") {
    const media::AssScript script(kNames, 320, 240);
    const std::string header = script.header();
    for (const char* style :
         {"person,", "person label,", "car  red,", "car  red label,", "(/b1)cat,", "other,", "other label,"})
        CHECK(header.find("Style: " + std::string(style)) != std::string::npos);
    CHECK(header.find("PlayResX: 320\nPlayResY: 240\n") != std::string::npos);
    int order = 7;
    const std::vector<Detection> found = {
        {0, .875f, {20, 60, 50, 90}}, {2, .5f, {-10, -5, 400, 300}}, {0, 1.f, {200, 2, 115, 30}}};
    const std::vector<std::string> events = script.events(found, 320, 240, order);
    REQUIRE(events.size() == 5);
    CHECK(order == 12);
    CHECK(events[0] ==
          "7,0,person,,0,0,0,,{\\an7\\pos(0,0)\\p1}m 20 60 l 70 60 70 150 20 150 m 22 62 l 22 148 68 148 68 62 "
          "m 200 2 l 315 2 315 32 200 32 m 202 4 l 202 30 313 30 313 4 {\\p0}");
    CHECK(events[1] ==
          "8,0,(/b1)cat,,0,0,0,,{\\an7\\pos(0,0)\\p1}m 0 0 l 320 0 320 240 0 240 m 2 2 l 2 238 318 238 318 2 {\\p0}");
    CHECK(events[2] == "9,1,person label,,0,0,0,,{\\an1\\pos(21,59)}person 88 %");
    CHECK(events[3] == "10,1,(/b1)cat label,,0,0,0,,{\\an7\\pos(1,1)}(/b1)cat 50 %");
    CHECK(events[4] == "11,1,person label,,0,0,0,,{\\an7\\pos(201,33)}person 100 %");
    // A frame of another size is stretched over the same picture.
    CHECK(script.events(std::vector<Detection>{{0, 1.f, {40, 120, 100, 180}}}, 640, 480, order)
              .front()
              .find("m 20 60 l 70 60 70 150") != std::string::npos);
}

TEST_CASE("what players draw is what would be burnt in, whatever size they show it at", "[overlay]") {
    const TempFolder folder;
    const media::AssScript script(kNames, 320, 240);
    int order = 0;
    const std::vector<Detection> found = boxes(0);
    {
        std::ofstream out(folder / "s.ass");
        out << script.header();
        for (const std::string& event : script.events(found, 320, 240, order)) {
            const std::size_t layer = event.find(',') + 1, style = event.find(',', layer);
            out << "Dialogue: " << event.substr(layer, style - layer) << ",0:00:00.00,0:00:01.00" << event.substr(style)
                << '\n';
        }
    }
    for (const int across : {1, 2}) {
        INFO("pixels " << across << " times as wide as high");
        const media::Image drawn = rendered(folder / "s.ass", 320 * across, 240);
        if (!drawn.is_whole()) {
            WARN("skipped: no ffmpeg with libass");
            return;
        }
        int worst_line = 0, worst_inside = 0;
        for (const Detection& d : found) {
            const media::PixelRect r = media::pixel_rect(d.box, 320, 240);
            const media::Color color = d.class_id < 3 ? media::class_color(d.class_id) : media::Color{255, 255, 255};
            const int middle = (r.x + r.w / 2) * across;
            for (int y = r.y + 3; y < r.y + r.h - 3; ++y) {
                worst_line = std::max(worst_line, difference(drawn, r.x * across + across / 2, y, color));
                worst_inside = std::max(worst_inside, difference(drawn, middle, y, {0, 0, 0}));
                CHECK(difference(drawn, (r.x - 2) * across, y, {0, 0, 0}) <= 2);
            }
            for (int x = r.x + 3; x < r.x + r.w - 3; ++x)
                worst_line = std::max(worst_line, difference(drawn, x * across, r.y + r.h - 1, color));
        }
        CHECK(worst_line <= 2);
        CHECK(worst_inside <= 2);
    }
    // Labels: as much of a picture is coloured where Annotator colours it, within the font's freedom.
    media::Image burnt{320, 240, std::vector<std::uint8_t>(320 * 240 * 3)};
    const std::vector<Detection> named(found.begin(), found.begin() + 2);
    media::Annotator(kNames).annotate(burnt, named, "");
    const media::Image drawn = rendered(folder / "s.ass", 320, 240);
    std::int64_t both = 0, either = 0;
    for (int y = 0; y < 145; ++y)  // above the third
        for (int x = 0; x < 320; ++x) {
            const bool a = difference(burnt, x, y, {0, 0, 0}) > 30, b = difference(drawn, x, y, {0, 0, 0}) > 30;
            both += a && b, either += a || b;
        }
    INFO(both << " of " << either << " pixels are drawn by both");
    CHECK(double(both) > .75 * double(either));
}

TEST_CASE("an overlay has the recording's own packets, and boxes as long as each frame is shown", "[overlay]") {
    const TempFolder folder;
    OverlaySink sink({folder / "o.mkv"}, kNames);
    const std::vector<double> times = overlay(sink, clip());
    CHECK(sink.outputs() == std::vector<std::string>{folder / "o.mkv"});
    CHECK(folder.names() == std::vector<std::string>{"o.mkv"});
    REQUIRE(times.size() == 240);
    const std::vector<Packet> before = packets_of(clip()), after = packets_of(folder / "o.mkv");
    REQUIRE(before.size() == 240);
    REQUIRE(after.size() == before.size());
    for (std::size_t i = 0; i < before.size(); ++i) {
        CHECK(after[i].key == before[i].key);
        CHECK(std::fabs(after[i].pts_s - before[i].pts_s) < .0011);
    }
    const std::vector<Shown> events = shown(folder / "o.mkv");
    if (events.empty()) {
        WARN("skipped: ffmpeg is not installed");
        return;
    }
    REQUIRE(events.size() == 6 * 240);
    for (std::size_t i = 0; i < events.size(); ++i) {
        CHECK(std::fabs(events[i].start_s - times[i / 6]) < .011);
        CHECK(std::fabs(events[i].end_s - (times[i / 6] + .1)) < .011);
    }
    CHECK(events[5].style == "other label");
    CHECK(events[5].text.ends_with("}9 25 %"));
}

TEST_CASE("names with bytes that are no UTF-8 make a script that is", "[overlay]") {
    const TempFolder folder;
    OverlaySink sink({folder / "boxes.ass"}, {"p\xffn"}, {});
    overlay(sink, source_file("models/pedestrians.mp4"), 2);
    const std::string script = read_file(folder / "boxes.ass");
    for (const char* text : {"Style: p\xef\xbf\xbdn,", "}p\xef\xbf\xbdn"}) CHECK(script.find(text) != script.npos);
    CHECK(script.find('\xff') == script.npos);
}

TEST_CASE("a track of its own begins when the recording does", "[overlay]") {
    const TempFolder folder;
    if (!make_video(
            "-f lavfi -i testsrc=s=320x240:r=25:d=2 -f lavfi -i sine=d=2 -c:v libx264 -bf 2 -c:a aac -muxdelay 3",
            folder / "in.ts"))
        return;
    OverlaySink sink({folder / "o.ass"}, kNames);
    const std::vector<double> times = overlay(sink, folder / "in.ts");
    REQUIRE(times.size() == 50);
    CHECK(times.front() > 1);
    const std::vector<Shown> events = shown(folder / "o.ass");
    REQUIRE(events.size() == 300);
    for (std::size_t i = 0; i < events.size(); ++i) {
        const double wanted = double(i / 6) * .04;
        CHECK(events[i].start_s <= wanted + .03);  // sound may begin a little before the pictures
        CHECK(events[i].start_s >= wanted - .011);
        if (i >= 6) CHECK(std::fabs(events[i].start_s - events[i - 6].end_s) < 1e-6);
    }
}

TEST_CASE("sound and other tracks are copied, as far as was read", "[overlay]") {
    const TempFolder folder;
    if (!make_video("-f lavfi -i testsrc=s=320x240:r=25:d=4 -f lavfi -i sine=d=4 -c:v libx264 -bf 2 -g 25 -c:a aac",
                    folder / "in.mp4"))
        return;
    OverlaySink sink({folder / "all.mkv", folder / "part.mkv"}, kNames);
    CHECK(overlay(sink, folder / "in.mp4").size() == 100);
    CHECK(overlay(sink, folder / "in.mp4", 30, 1).size() == 30);
    const auto packets = [&](const std::string& name, const char* stream) {
        const Bytes bytes = output_of("ffprobe -v error -select_streams " + std::string(stream) +
                                      " -show_entries packet=size -of csv=p=0 '" + folder / name + "'");
        return std::count(bytes.begin(), bytes.end(), '\n');
    };
    CHECK(packets("all.mkv", "v") == 100);
    CHECK(packets("all.mkv", "a") >= packets("in.mp4", "a") - 1);  // the encoder's first is no sound
    CHECK(packets("part.mkv", "v") >= 30);
    CHECK(packets("part.mkv", "v") <= 35);  // those that B-frames need
    CHECK(packets("part.mkv", "a") < packets("in.mp4", "a") / 2);
    CHECK(sink.take_remarks().empty());
}

TEST_CASE("subtitles for which the file has no place are left out, and said to be", "[overlay]") {
    const TempFolder folder;
    std::ofstream(folder / "in.srt") << "1\n00:00:00,000 --> 00:00:01,000\nHere\n";
    if (!make_video("-f lavfi -i testsrc=s=96x64:r=25:d=1 -i '" + folder / "in.srt" + "' -c:v mpeg4 -c:s mov_text",
                    folder / "in.mp4"))
        return;
    OverlaySink sink({folder / "o.mkv"}, kNames);
    CHECK(overlay(sink, folder / "in.mp4").size() == 25);
    const std::vector<std::string> remarks = sink.take_remarks();
    REQUIRE(remarks.size() == 1);
    CHECK(remarks[0].find("mov_text subtitles") != std::string::npos);
    CHECK(sink.take_remarks().empty());
}

TEST_CASE("the shape of pixels that a container states counts against the codec's", "[overlay]") {
    const TempFolder folder;
    const std::string source = "-f lavfi -i testsrc=s=96x64:r=25:d=1 -vf setsar=1 -c:v libx264";
    if (!make_video(source, folder / "a.ts")) return;
    for (const std::string name : {"b.mp4", "b.mkv"}) {
        CAPTURE(name);
        if (!make_video("-i '" + folder / "a.ts" + "' -c copy -aspect 16:9", folder / name)) return;
        OverlaySink sink({folder / "o.mkv"}, kNames);
        CHECK(overlay(sink, folder / name).size() == 25);
        const auto copy = media::open_input(folder / "o.mkv");
        CHECK(copy->info().pixel_width * 27 == copy->info().pixel_height * 32);
    }
}

TEST_CASE("fonts that a recording brings along are copied", "[overlay]") {
    const TempFolder folder;
    const std::string font = folder / "font.ttf", recording = folder / "a.mkv", out = folder / "o.mkv";
    std::ofstream(font) << "not quite one";
    const std::string type = " -metadata:s:t mimetype=application/x-truetype-font";
    if (!make_video("-f lavfi -i testsrc=s=96x64:r=25:d=1 -c:v mpeg4 -attach '" + font + "'" + type, recording)) return;
    OverlaySink sink({out}, kNames);
    overlay(sink, recording);
    output_of("cd '" + (folder / ".") + "'; ffmpeg -v quiet -dump_attachment:t copied -i '" + out + "'");
    const Bytes copied = read_bytes(folder / "copied");
    CHECK(std::string(copied.begin(), copied.end()) == "not quite one");
}

TEST_CASE("of several videos the one is copied that the boxes are of", "[overlay]") {
    const TempFolder folder;
    if (!make_video(
            "-f lavfi -i testsrc2=size=160x128:rate=25:duration=1 -f lavfi -i testsrc=size=96x64:rate=10:duration=1 "
            "-map 0 -map 1 -c:v mpeg4 ",
            folder / "two.mkv"))
        return;
    for (const int stream : {0, 1}) {
        const std::string path = folder / (stream ? "o1.mkv" : "o0.mkv");
        media::OverlayWriter writer(folder / "two.mkv", path, media::AssScript({}, 160, 128).header(), stream);
        writer.close(1);
        CHECK(media::open_input(path)->info().width == (stream ? 96 : 160));
        media::InputOptions other;
        other.stream = 1;
        CHECK_THROWS(media::open_input(path, other));
    }
}

TEST_CASE("recordings of any container are copied, whatever they say of decoding", "[overlay]") {
    const TempFolder folder;
    for (const char* name : {"in.mkv", "in.mp4", "in.mov", "in.ts", "in.webm"}) {
        const std::string codec = std::string(name) == "in.webm" ? "libvpx" : "libx264 -bf 3";
        if (!make_video("-f lavfi -i testsrc=s=160x120:r=25:d=2 -c:v " + codec, folder / name)) continue;
        INFO(name);
        OverlaySink sink({folder / (std::string(name) + ".mkv")}, kNames);
        const std::vector<double> times = overlay(sink, folder / name);
        CHECK(sink.take_errors().empty());
        REQUIRE(times.size() == 50);
        const std::vector<double> before = shown_times(packets_of(folder / name)),
                                  after = shown_times(packets_of(folder / (std::string(name) + ".mkv")));
        REQUIRE(after.size() == before.size());
        for (std::size_t i = 0; i < before.size(); ++i) CHECK(std::fabs(before[i] - after[i]) < .0021);
        CHECK(decoding_faults(folder / (std::string(name) + ".mkv")) == "");
    }
}

TEST_CASE("an .avi has no times of showing: they are found, or a sentence says what to take", "[overlay]") {
    const TempFolder folder;
    const std::string pictures = "-f lavfi -i testsrc2=s=96x64:r=10:d=3 -f lavfi -i sine=d=3 -c:a mp2 -g 10 -c:v ";
    const auto lines = [](const std::string& command) {
        const Bytes bytes = output_of(command);
        std::istringstream text(std::string(bytes.begin(), bytes.end()));
        std::vector<std::string> found;
        for (std::string line; std::getline(text, line);)
            if (!line.empty() && !line.starts_with('#')) found.push_back(line);
        return found;
    };
    /// When what is in a stream of the overlay is shown, in order.
    const auto times = [&](const std::string& stream, const std::string& what = "packet") {
        std::vector<double> found;
        for (const std::string& line : lines("ffprobe -v error -show_entries " + what + "=pts_time -of csv=p=0 " +
                                             folder / "o.mkv" + " -select_streams " + stream))
            found.push_back(std::stod(line));
        if (what == "packet") std::sort(found.begin(), found.end());
        return found;
    };
    /// The frames of a file in the order of showing.
    const auto frames = [&](const std::string& path) {
        std::vector<std::string> hashes =
            lines("ffmpeg -v error -i '" + path + "' -map 0:v -fps_mode passthrough -f framemd5 -");
        for (std::string& hash : hashes) hash.erase(0, hash.rfind(','));
        return hashes;
    };
    for (const std::string codec :
         {"mpeg4 -bf 2", "mpeg2video -bf 2", "mpeg4", "libx264 -bf 0", "libx264 -bf 3",
          "libx264 -bf 5 -x264-params open-gop=1", "libx265 -x265-params log-level=none -vtag HEVC", "libxvid -bf 2"}) {
        CAPTURE(codec);
        if (!make_video(pictures + codec, folder / "in.avi")) continue;
        OverlaySink sink({folder / "o.mkv"}, kNames);
        const std::size_t shown = codec.starts_with("libxvid") ? 28 : 30;  // puts two pictures into one packet
        REQUIRE(overlay(sink, folder / "in.avi").size() == shown);
        CHECK(sink.take_errors().empty());
        CHECK(frames(folder / "o.mkv") == frames(folder / "in.avi"));
        CHECK(std::ranges::is_sorted(times("v", "frame")));
        const std::vector<double> pictures_s = times("v"), boxes_s = times("s");
        REQUIRE((pictures_s.size() == shown && boxes_s.size() == 6 * shown));
        for (std::size_t i = 0; i < shown; ++i) {
            CHECK(std::fabs(pictures_s[i] - pictures_s[0] - double(i) / 10) < .0021);
            // The decoder has no time for the last ones, which only a run counts on.
            if (i + 2 < shown) CHECK(std::fabs(pictures_s[i] - boxes_s[6 * i]) < .0021);
        }
        if (shown == 30) CHECK(std::fabs(times("a").at(0) - pictures_s[0]) < .011);  // they begin together
    }
    // Only behind its begin this one holds pictures back.
    for (const std::string bf : {"0", "3"})
        if (!make_video("-f lavfi -i testsrc2=s=96x64:r=10:d=1.5 -c:v libx264 -bf " + bf, folder / bf + ".h264"))
            return;
    Bytes joined = read_bytes(folder / "0.h264");
    const Bytes second = read_bytes(folder / "3.h264");
    joined.insert(joined.end(), second.begin(), second.end());
    write_bytes(folder / "joined.h264", joined);
    if (!make_video("-r 10 -i '" + folder / "joined.h264" + "' -c copy", folder / "in.avi")) return;
    OverlaySink sink({folder / "never.mkv", folder / "o.ass"}, kNames);
    for (const int index : {0, 1}) CHECK(overlay(sink, folder / "in.avi", 1 << 30, index).size() == 30);
    const std::vector<std::string> errors = sink.take_errors();
    REQUIRE(errors.size() == 1);
    CAPTURE(errors[0]);
    CHECK(errors[0].find("holds more of them back than it says; name an .ass") != std::string::npos);
    CHECK(sink.outputs() == std::vector<std::string>{folder / "o.ass"});
    CHECK_FALSE(std::filesystem::exists(folder / "never.mkv"));
}

TEST_CASE("what tells kinds of a codec apart is copied with it, or refused", "[overlay]") {
    const TempFolder folder;
    const std::string source = "-f lavfi -i testsrc2=s=96x64:r=10:d=1 ";
    const std::string kinds[][2] = {{"yuv422p.avi", "-c:v utvideo -pix_fmt yuv422p"},
                                    {"yuv420p.avi", "-c:v utvideo -pix_fmt yuv420p"},
                                    {"raw.avi", "-c:v rawvideo -pix_fmt uyvy422"},
                                    {"alpha.mov", "-c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le"}};
    const auto pictures = [](const std::string& path) {
        return output_of("ffmpeg -v error -i '" + path + "' -map 0:v -fps_mode passthrough -f rawvideo -");
    };
    for (const auto& [name, codec] : kinds) {
        CAPTURE(name);
        if (!make_video(source + codec, folder / name)) continue;
        OverlaySink sink({folder / "o.mkv"}, kNames);
        CHECK(overlay(sink, folder / name).size() == 10);
        const bool same = pictures(folder / name) == pictures(folder / "o.mkv");
        CHECK(same);
    }
    if (!make_video(source + "-c:v rawvideo -pix_fmt gray16le", folder / "raw.nut")) return;
    OverlaySink sink({folder / "never.mkv"}, kNames);
    overlay(sink, folder / "raw.nut");
    const std::vector<std::string> errors = sink.take_errors();
    REQUIRE(errors.size() == 1);
    CAPTURE(errors[0]);
    CHECK(errors[0].find("name an .ass") != std::string::npos);
}

TEST_CASE("a crop that only the container states is none of the frames', nor of the overlay's", "[overlay]") {
    const TempFolder folder;
    const std::string path = folder / "clap.mp4";
    if (!make_video("-f lavfi -i testsrc=s=320x240:r=25:d=1 -vf setsar=1 -c:v libx264 -color_primaries bt709 "
                    "-color_trc bt709 -colorspace bt709 -movflags +write_colr",
                    path))
        return;
    Bytes bytes = read_bytes(path);
    // In place of what is said of colours, pixels and bit rate: 160 x 120 in the middle, and as many free bytes as fit.
    const Bytes colour = {0, 0, 0, 19, 'c', 'o', 'l', 'r'}, rate = {0, 0, 0, 20, 'b', 't', 'r', 't'};
    const Bytes clap = {0, 0, 0, 40, 'c', 'l', 'a', 'p', 0, 0, 0, 160, 0, 0, 0, 1, 0, 0, 0, 120, 0,   0,   0,   1,
                        0, 0, 0, 0,  0,   0,   0,   1,   0, 0, 0, 0,   0, 0, 0, 1, 0, 0, 0, 15,  'f', 'r', 'e', 'e'};
    const auto at = std::search(bytes.begin(), bytes.end(), colour.begin(), colour.end());
    REQUIRE(std::search(at, bytes.end(), rate.begin(), rate.end()) - at == 35);
    std::copy(clap.begin(), clap.end(), at);
    write_bytes(path, bytes);
    OverlaySink sink({folder / "o.mkv"}, kNames);
    CHECK(overlay(sink, path).size() == 25);
    CHECK(media::open_source(path)->info().width == 320);
    const Bytes copy = output_of("ffprobe -v error -show_streams '" + folder / "o.mkv" + "'");
    const std::string streams(copy.begin(), copy.end());
    CHECK(streams.find("width=320") != streams.npos);
    CHECK(streams.find("crop_") == streams.npos);
}

TEST_CASE("an overlay that cannot be says what can", "[overlay]") {
    const TempFolder folder;
    const auto failure = [&](const std::string& input, const std::string& output) {
        OverlaySink sink({output, folder / "other.ass"}, kNames);
        overlay(sink, input);
        overlay(sink, clip(), 3, 1);  // another input goes on
        CHECK(sink.outputs() == std::vector<std::string>{folder / "other.ass"});
        CHECK_FALSE(std::filesystem::exists(output));
        const std::vector<std::string> errors = sink.take_errors();
        REQUIRE(errors.size() == 1);
        return errors.front();
    };
    const auto contains = [](const std::string& text, const std::string& part) { return text.find(part) != text.npos; };
    CHECK(contains(failure(clip(), folder / "o.txt"), ".mkv or .ass"));
    CHECK(contains(failure(clip(), folder / "none/o.mkv"), "cannot write"));
    if (!make_video("-f lavfi -i testsrc=s=320x240:r=25:d=1 -c:v libx264", folder / "in.h264")) return;
    CHECK(contains(failure(folder / "in.h264", folder / "o.mkv"), "no time stamps"));
    const Bytes once = output_of("ffmpeg -v error -f lavfi -i testsrc=s=320x240:r=25:d=1 -c:v libx264 -f mpegts -");
    Bytes twice = once;  // as recordings are joined that each begin anew
    twice.insert(twice.end(), once.begin(), once.end());
    write_bytes(folder / "joined.ts", twice);
    CHECK(contains(failure(folder / "joined.ts", folder / "o.mkv"), "step back"));
    OverlaySink sink({folder / "o.ass"}, kNames);
    CHECK(overlay(sink, folder / "in.h264").size() == 25);
    CHECK(shown(folder / "o.ass").size() == 150);
    if (media::kMatroskaKeepsRotation ||
        !make_video("-i '" + clip() + "' -c copy -metadata:s:v:0 rotate=90", folder / "turned.mp4"))
        return;
    CHECK(contains(failure(folder / "turned.mp4", folder / "o.mkv"), "shown turned"));
}
