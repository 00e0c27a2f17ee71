// SPDX-License-Identifier: MIT
//
// Recordings behind web servers of all kinds, good and bad: the frames are those of the file, or an error says how far
// it came.
#include <algorithm>
#include <chrono>
#include <climits>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <convoy/media/input.h>
#include "tests/support/catch.h"
#include "tests/support/in_time.h"
#include "tests/tools/child.h"
#include "tests/tools/http_server.h"
#include "tests/tools/media_files.h"
#include "tests/tools/segment_frames.h"

using namespace convoy;
using namespace convoy::test;
using Length = HttpAnswer::Length;
using Break = HttpAnswer::Break;

namespace {

constexpr int kFrames = 500;

/// A clip of 500 frames, 25 a second, with B-frames, in the container that its name says; false without ffmpeg. Half
/// of it is more than libav reads at its begin, and at its end, while it looks for streams.
bool make_clip(const std::string& path) {
    return make_video(
        "-f lavfi -i testsrc2=size=96x64:rate=25:duration=20 -c:v libx264 -preset veryfast -crf 8 -g 25 -movflags "
        "+faststart",
        path);
}

struct Reading {
    std::vector<FrameMark> frames;
    SegmentNotes notes;
    std::string error;
};

/// All that comes of an input; `error` is that of opening it or of its end.
Reading read(const std::string& path, double give_up_s = 60) {
    return in_time(
        "reading " + path,
        [&] {
            Reading all;
            try {
                media::InputOptions options;
                options.give_up_s = give_up_s;
                const auto input = media::open_input(path, options);
                const auto reader = input->make_reader({});
                try {
                    while (const auto segment = input->next_segment()) {
                        if (segment->kind() == SegmentKind::endless) throw Error(ErrorKind::input, "it is live");
                        const std::vector<FrameMark> some = read_segment(*reader, segment);
                        all.frames.insert(all.frames.end(), some.begin(), some.end());
                    }
                } catch (const Error& error) {
                    all.error = error.what();
                }
                all.notes = input->notes();
            } catch (const Error& error) {
                all.error = error.what();
            }
            return all;
        },
        std::chrono::seconds(60));
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// A server that is read from, beside others.
struct Trial {
    Trial(std::string path, HttpAnswer what, double give_up_s = 60)
        : name(std::move(path)),
          answer(std::move(what)),
          server(answer),
          reading(std::async(std::launch::async, [this, give_up_s] { return read(server.url(name), give_up_s); })) {}
    std::string name;
    HttpAnswer answer;
    HttpServer server;
    std::future<Reading> reading;
    std::string reason = {};  // that the error is to give
};

using Trials = std::vector<std::unique_ptr<Trial>>;

constexpr const char* kNames[] = {"clip.mp4", "clip.ts", "clip.mkv"};

/// Whether each frame is one of the file's, in order, and only the last ones, which others would have to follow, leave
/// gaps.
bool begins_like(const std::vector<FrameMark>& some, const std::vector<FrameMark>& all) {
    std::size_t at = 0, same = 0;
    for (const FrameMark& frame : some) {
        while (at < all.size() && all[at].hash != frame.hash) ++at;
        if (at == all.size()) return false;
        if (&frame - some.data() == std::ptrdiff_t(at)) ++same;
        ++at;
    }
    return same + 8 >= some.size();
}

HttpAnswer half_of(const std::string& file) {
    HttpAnswer answer;
    answer.file = file;
    answer.breaks_after = file.size() / 2 / 4096 * 4096;  // between two chunks
    return answer;
}

}  // namespace

TEST_CASE("a file behind a web server is read once, whatever the server knows", "[http]") {
    const TempFolder folder;
    for (const std::string name : kNames) {
        if (!make_clip(folder / name)) return;
        const std::vector<FrameMark> expected = read(folder / name).frames;
        REQUIRE(expected.size() == kFrames);
        HttpAnswer answer;
        answer.file = read_file(folder / name);
        Trials trials;
        for (const bool ranges : {true, false})
            for (const auto& [length, says_close] :
                 {std::pair(Length::stated, true), {Length::chunked, true}, {Length::chunked, false}}) {
                answer.ranges = ranges;
                answer.length = length;
                answer.says_close = says_close;
                trials.push_back(std::make_unique<Trial>(name, answer));
            }
        answer.length = Length::untold;
        trials.push_back(std::make_unique<Trial>(name, answer));
        for (const auto& trial : trials) {
            CAPTURE(name, int(trial->answer.length), trial->answer.ranges, trial->answer.says_close);
            const Reading got = trial->reading.get();
            CHECK(got.error == "");
            CHECK(difference(got.frames, expected) == "");
            // Nothing but a TS behind a server that just closes leaves open whether that was its end.
            const bool unknown = trial->answer.length == Length::untold && name == "clip.ts";
            CHECK(got.notes.damaged == (unknown ? 1 : 0));
            CHECK(has(got.notes.first_damage, "has not said how long") == unknown);
            CHECK(trial->server.connections() <= 5);
        }
    }
}

TEST_CASE("a web server that drops a file in the middle is asked for the rest", "[http]") {
    const TempFolder folder;
    for (const std::string name : kNames) {
        if (!make_clip(folder / name)) return;
        const std::vector<FrameMark> expected = read(folder / name).frames;
        Trials trials;
        for (const Length length : {Length::stated, Length::chunked})
            for (const bool always : {true, false}) {
                HttpAnswer answer = half_of(read_file(folder / name));
                answer.length = length;
                answer.breaks = always ? INT_MAX : 1;
                if (always) answer.breaks_after = answer.file.size() / 5 + 17;  // within a chunk
                trials.push_back(std::make_unique<Trial>(name, answer));
            }
        HttpAnswer little = half_of(read_file(folder / name));
        little.breaks_after = 10000;  // less than what tells one file from another
        trials.push_back(std::make_unique<Trial>(name, little));
        for (const auto& trial : trials) {
            CAPTURE(name, int(trial->answer.length), trial->answer.breaks);
            const Reading got = trial->reading.get();
            CHECK(got.error == "");
            CHECK(difference(got.frames, expected) == "");
            CHECK(got.notes.damaged == 0);
            CHECK(trial->server.connections() >= 2);
        }
    }
}

TEST_CASE("a web server may be slower than a packet's patience as long as something comes", "[http]") {
    const TempFolder folder;
    Trials trials;
    for (const std::string name : kNames) {
        if (!make_clip(folder / name)) return;
        HttpAnswer answer;
        answer.file = read_file(folder / name);
        answer.ranges = trials.size() % 2 == 1;
        answer.drips = answer.file.size() / 12 + 1;  // 3 s for all of it
        answer.pause_ms = 250;
        trials.push_back(std::make_unique<Trial>(name, answer, 2));
    }
    for (const auto& trial : trials) {
        CAPTURE(trial->name);
        const Reading got = trial->reading.get();
        CHECK(got.error == "");
        CHECK(difference(got.frames, read(folder / trial->name).frames) == "");
    }
}

TEST_CASE("a file that a web server drops for good ends with an error that says how far it came", "[http]") {
    const TempFolder folder;
    Trials trials;
    std::map<std::string, std::vector<FrameMark>> expected;
    for (const std::string name : kNames) {
        if (!make_clip(folder / name)) return;
        expected[name] = read(folder / name).frames;
        const HttpAnswer half = half_of(read_file(folder / name));
        const auto add = [&](const HttpAnswer& answer, double give_up_s, const std::string& reason) {
            trials.push_back(std::make_unique<Trial>(name, answer, give_up_s));
            trials.back()->reason = reason;
        };
        HttpAnswer answer = half;
        for (const Break then : {Break::vanish, Break::stall}) {
            answer.then = then;
            add(answer, 3, "nothing more came for 3.00 s");
        }
        answer.length = Length::chunked;
        add(answer, 3, "nothing more came for 3.00 s");
        answer = half;
        answer.ranges = false;
        const std::string reason = "the connection broke off, and the server knows no ranges";
        add(answer, 60, reason);
        answer.length = Length::chunked;
        add(answer, 60, reason);
        answer.says_close = false;
        if (name != "clip.ts") add(answer, 60, reason);
        answer.says_close = true;
        answer.breaks_after += 17;  // within a chunk
        add(answer, 60, reason);
        answer.length = Length::untold;
        if (name != "clip.ts") add(answer, 60, reason);
        if (name != "clip.ts") continue;
        const HttpServer server(answer);  // it may as well have been all
        const Reading got = read(server.url(name));
        CHECK(got.error == "");
        CHECK(has(got.notes.first_damage, "this may not be all of it"));
        CHECK(got.frames.size() < kFrames * 2 / 3);
    }
    for (const auto& trial : trials) {
        const HttpAnswer& answer = trial->answer;
        CAPTURE(trial->name, int(answer.length), answer.ranges, answer.says_close, int(answer.then));
        const Reading got = trial->reading.get();
        CAPTURE(got.error);
        // For a TS libav looks at its end first, and finds nobody there.
        const bool any = trial->name != "clip.ts" || answer.then != Break::vanish;
        CHECK((!any || got.frames.size() > kFrames / 3));
        CHECK(got.frames.size() < kFrames * 2 / 3);
        CHECK(begins_like(got.frames, expected[trial->name]));
        CHECK(has(got.error, "'" + trial->server.url(trial->name) + "' ended early, after "));
        CHECK(has(got.error, trial->reason));
        CHECK(has(got.error, "; download it"));
        const std::string of = " of " + std::to_string(answer.file.size()) + " bytes";
        CHECK((answer.length != Length::stated || has(got.error, of)));
        CHECK(got.notes.damaged == 0);
        CHECK(trial->server.sent() < 2 * answer.file.size());
    }
}

TEST_CASE("a file that is replaced while a web server drops it is never mixed with the other", "[http]") {
    const TempFolder folder;
    Trials trials;
    std::map<std::string, std::vector<FrameMark>> expected;
    for (const std::string name : kNames) {
        const std::string other = "other-" + name;
        if (!make_clip(folder / name) || !make_video("-i " + folder / name +
                                                         " -vf negate -c:v libx264 -preset "
                                                         "veryfast -crf 12 -movflags +faststart",
                                                     folder / other))
            return;
        expected[name] = read(folder / name).frames;
        HttpAnswer answer = half_of(read_file(folder / name));
        answer.breaks = 1;
        answer.replacement = read_file(folder / other);
        for (const Length length : {Length::stated, Length::chunked}) {
            answer.length = length;
            trials.push_back(std::make_unique<Trial>(name, answer));
        }
        answer.replacement.resize(answer.breaks_after / 2);  // it ends before the place
        trials.push_back(std::make_unique<Trial>(name, answer));
        answer.replacement = read_file(folder / other);
        answer.replacement.resize(answer.file.size());  // of a TS libav looks at the end, and what is there it believes
        if (name != "clip.ts") trials.push_back(std::make_unique<Trial>(name, answer));
    }
    for (const auto& trial : trials) {
        CAPTURE(trial->name, int(trial->answer.length), trial->answer.file.size(), trial->answer.replacement.size());
        const Reading got = trial->reading.get();
        CAPTURE(got.error);
        CHECK(has(got.error, "was replaced on the server"));
        CHECK(begins_like(got.frames, expected[trial->name]));
        CHECK(got.frames.size() < kFrames * 2 / 3);
        CHECK((trial->name == "clip.ts" || got.frames.size() > kFrames / 3));
    }
}

TEST_CASE("a name that no host has is called that", "[http]") {
    const Reading got = read("http://no-such-host.invalid/clip.mp4");
    CAPTURE(got.error);
    CHECK(has(got.error,
              "'http://no-such-host.invalid/clip.mp4' cannot be opened (the name of its host, "
              "no-such-host.invalid, cannot be resolved: "));
}

TEST_CASE("a file that would have to be read back says so where the server knows no ranges", "[http]") {
    const TempFolder folder;
    if (!make_video("-f lavfi -i testsrc2=size=96x64:rate=25:duration=4 -c:v libx264 -preset veryfast -crf 4",
                    folder / "clip.mp4"))  // its index is at the end
        return;
    const std::vector<FrameMark> expected = read(folder / "clip.mp4").frames;
    for (const Length length : {Length::stated, Length::chunked}) {
        HttpAnswer answer;
        answer.file = read_file(folder / "clip.mp4");
        answer.length = length;
        {
            const HttpServer server(answer);
            const Reading got = read(server.url("clip.mp4"));
            CHECK(got.error == "");
            CHECK(difference(got.frames, expected) == "");
        }
        answer.ranges = false;
        const HttpServer server(answer);
        const Reading got = read(server.url("clip.mp4"));
        CAPTURE(got.error);
        CHECK(got.frames.empty());
        CHECK(has(got.error, "'" + server.url("clip.mp4") + "'"));
        CHECK(has(got.error, "it must be read back, and the server knows no ranges; download it"));
    }
}

TEST_CASE("a web server that gives no video is given up with an error", "[http]") {
    std::string noise(300'000, '\0');
    unsigned state = 1;
    for (char& byte : noise) byte = char((state = state * 1664525 + 1013904223) >> 24);
    Trials trials;
    const auto add = [&](const HttpAnswer& answer, const std::string& reason, double give_up_s = 60) {
        trials.push_back(std::make_unique<Trial>("clip.ts", answer, give_up_s));
        trials.back()->reason = reason;
    };
    const auto head = [](const std::string& text, const std::string& endless = {}) {
        HttpAnswer answer;
        answer.head = text;
        answer.endless = endless;
        return answer;
    };
    const std::string empty = "Content-Length: 0\r\n\r\n";
    add(head("HTTP/1.1 404 Not Found\r\n" + empty), "cannot be opened (Server returned 404");
    add(head("HTTP/1.1 500 Oops\r\n" + empty), "cannot be opened (Server returned 5XX");
    for (const std::string code : {"301", "302"})
        add(head("HTTP/1.1 " + code + " Moved\r\nLocation: /again.ts\r\n" + empty), "redirects in a circle");
    add(head("220 smtp.example ready\r\n"), "cannot be opened");
    add(head("HTTP/1.1 200 OK\r\nX-Mo"), "cannot be opened");
    add(head("HTTP/1.1 200 OK\r\n\r\n", noise), "is no video or picture");
    HttpAnswer answer;
    answer.file = noise;
    add(answer, "is no video or picture");
    answer.ranges = false;
    answer.length = Length::chunked;
    add(answer, "is no video or picture");
    const std::string silent = "cannot be opened (it says nothing";
    add(head("HTTP/1.1 200 OK\r\n", "X-More: and more\r\n"), silent, 1);
    add(head("HTTP/1.1 200 OK\r\nX-More: ", "and more"), silent, 1);
    answer.breaks_after = 0;
    answer.then = Break::stall;
    add(answer, silent, 1);
    for (const auto& trial : trials) {
        CAPTURE(trial->answer.head, trial->answer.endless.size());
        const Reading got = trial->reading.get();
        CAPTURE(got.error);
        CHECK(got.frames.empty());
        CHECK(has(got.error, "'" + trial->server.url("clip.ts") + "'"));
        CHECK(has(got.error, trial->reason));
        CHECK(trial->server.connections() < 20);
    }
}

TEST_CASE("only what is live behind a web server is opened again", "[http]") {
    const TempFolder folder;
    if (!make_video("-f lavfi -i testsrc2=size=96x64:rate=25:duration=1 -c:v mjpeg -f mpjpeg", folder / "clip.mpjpeg"))
        return;
    HttpAnswer answer;
    answer.file = read_file(folder / "clip.mpjpeg");
    answer.ranges = false;
    answer.length = Length::untold;
    const HttpServer server(answer);
    media::InputOptions options;
    options.frames = 60;  // more than it sends at once
    const auto input = media::open_input(server.url("video.cgi"), options);
    const auto segment = input->next_segment();
    REQUIRE(segment);
    CHECK(segment->kind() == SegmentKind::endless);
    const auto reader = input->make_reader({});
    const auto begin = std::chrono::steady_clock::now();
    const std::vector<FrameMark> frames =
        in_time("a camera that drops out", [&] { return read_segment(*reader, segment); });
    REQUIRE(frames.size() == 60);
    // Its pictures have no stamps: their times are those at which they came, pauses between connections included.
    const double by_clock_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const double by_frames_s = frames.back().time_s - frames.front().time_s;
    CAPTURE(by_clock_s, by_frames_s);
    CHECK(by_frames_s > .9);
    CHECK(by_frames_s < by_clock_s + .1);
    CHECK(server.connections() >= 3);
}

TEST_CASE("damage of pictures that have no stamps is told by the clock that their times are of", "[http]") {
    const Bytes jpeg = output_of("ffmpeg -v error -f lavfi -i testsrc2=size=96x64 -frames:v 1 -c:v mjpeg -f mjpeg -");
    if (jpeg.empty()) return;
    const std::string whole(jpeg.begin(), jpeg.end());
    const auto part = [](const std::string& picture) {
        return "--next\r\nContent-Type: image/jpeg\r\nContent-Length: " + std::to_string(picture.size()) + "\r\n\r\n" +
               picture + "\r\n";
    };
    HttpAnswer answer;
    answer.head = "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=next\r\n\r\n" + part(whole);
    answer.endless = part(whole) + part(whole.substr(0, whole.size() / 20));
    answer.pause_ms = 500;
    const HttpServer server(answer);
    media::InputOptions options;
    options.frames = 4;
    const auto input = media::open_input(server.url("video.cgi"), options);
    const auto reader = input->make_reader({});
    const auto frames = in_time("damaged pictures", [&] { return read_segment(*reader, input->next_segment()); });
    REQUIRE(frames.size() == 4);
    const std::string damage = reader->notes().first_damage;
    CAPTURE(damage);
    const auto at = damage.find("near ");
    REQUIRE(at != std::string::npos);
    const double near_s = std::stod(damage.substr(at + 5)) - frames.front().time_s;
    CHECK(near_s > .2);  // as the third of 25 in a second it would be at .08
    CHECK(near_s < frames.back().time_s - frames.front().time_s);
}

TEST_CASE("a playlist is live as long as it does not say that it ends", "[http]") {
    const TempFolder folder;
    if (!make_clip(folder / "clip.ts")) return;
    const std::vector<FrameMark> expected = read(folder / "clip.ts").frames;
    HttpAnswer answer;
    answer.others["/clip.ts"] = read_file(folder / "clip.ts");
    const std::string begun = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:20\n#EXTINF:20,\nclip.ts\n";
    for (const bool ranges : {true, false}) {
        answer.ranges = ranges;
        answer.file = begun + "#EXT-X-ENDLIST\n";
        const HttpServer whole(answer);
        const Reading got = read(whole.url("list.m3u8"));
        CHECK(got.error == "");
        CHECK(difference(got.frames, expected) == "");
        CHECK(got.notes.damaged == 0);
        answer.file = begun;
        const HttpServer growing(answer);
        CHECK(read(growing.url("list.m3u8")).error == "it is live");
    }
}

TEST_CASE("segments of a playlist that a web server drops are asked for again, or said to be missing", "[http]") {
    const TempFolder folder;
    if (!make_clip(folder / "clip.ts")) return;
    if (!make_video("-i " + folder / "clip.ts" + " -c copy -f hls -hls_time 5 -hls_playlist_type vod",
                    folder / "list.m3u8"))
        return;
    HttpAnswer answer;
    for (const std::string& name : folder.names())
        if (name.ends_with(".ts")) answer.others["/" + name] = read_file(folder / name);
    answer.file = read_file(folder / "list.m3u8");
    const auto get = [&] {
        const HttpServer server(answer);
        return read(server.url("list.m3u8"), 3);
    };
    const Reading whole = get();
    CHECK(whole.error == "");
    CHECK(whole.notes.damaged == 0);
    CHECK(whole.frames.size() == kFrames);
    // The same by a list of lists, as there is one for each size of the video.
    answer.others["/one.m3u8"] = answer.file;
    answer.file = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=96x64\none.m3u8\n";
    CHECK(difference(get().frames, whole.frames) == "");
    for (const Length length : {Length::stated, Length::chunked}) {
        answer.length = length;
        answer.breaks_after = answer.others["/list1.ts"].size() / 2;
        answer.breaks = 2;
        answer.ranges = true;
        const Reading continued = get();
        CHECK(continued.error == "");
        CHECK(difference(continued.frames, whole.frames) == "");
        answer.ranges = false;
        const Reading cut = get();
        CAPTURE(cut.error);
        CHECK(has(cut.error, " s of the video: a part of it, http://127.0.0.1:"));
        CHECK(has(cut.error, "/list0.ts, broke off; download it"));
        CHECK(cut.frames.size() < kFrames / 2);
        CHECK(begins_like(cut.frames, whole.frames));
    }
    answer.breaks = 0;
    answer.others["/list2.ts"] = "";
    const Reading cut = get();
    CAPTURE(cut.error);
    CHECK(has(cut.error, "/list2.ts, cannot be opened (Server returned 404"));
    CHECK(cut.frames.size() < kFrames);
    CHECK(begins_like(cut.frames, whole.frames));
}
