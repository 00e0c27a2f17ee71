// SPDX-License-Identifier: MIT
//
// Playlists and scripts, under whatever name: what they name is opened where that is near and wanted, and nowhere else.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <thread>

#include <convoy/media/image.h>
#include <convoy/media/input.h>
#include <convoy/media/source.h>
#include "tests/support/catch.h"
#include "tests/support/contains.h"
#include "tests/support/in_time.h"
#include "tests/tools/child.h"
#include "tests/tools/http_server.h"
#include "tests/tools/media_files.h"
#include "tests/tools/segment_frames.h"
#include "tools/media/out/recording_copy.h"

using namespace convoy;
using namespace convoy::test;

namespace {

const std::string kHead = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n", kEnd = "#EXT-X-ENDLIST\n";

std::string playlist(const std::string& segment) { return kHead + "#EXTINF:1,\n" + segment + "\n" + kEnd; }
std::string master(const std::string& list) { return "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=800000\n" + list + "\n"; }

/// How many frames it has, or the error behind `frames`.
std::string read(const std::string& path, std::size_t& frames) {
    frames = 0;
    return in_time("reading " + path, [&] {
        try {
            const auto input = media::open_input(path);
            const auto reader = input->make_reader({});
            while (const auto segment = input->next_segment()) {
                reader->open(segment);
                while (reader->next()) ++frames;
            }
            return std::to_string(frames);
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::input);
            return std::string(error.what());
        }
    });
}

std::string read(const std::string& path) {
    std::size_t frames = 0;
    return read(path, frames);
}

void check_refused(const std::string& path, const std::string& part) {
    const std::string error = read(path);
    INFO("expected '" << part << "' in: " << error);
    CHECK(contains(error, path.substr(path.rfind('/') + 1)));
    CHECK(contains(error, part));
}

/// A folder with a clip of 30 frames, and one within it.
struct Place {
    Place() {
        std::filesystem::create_directory(folder / "in");
        ready = make_video("-f lavfi -i testsrc2=size=96x64:rate=10:duration=3 -c:v mpeg4 -g 10", folder / "clip.ts");
    }
    std::string write(const std::string& name, const std::string& text) const {
        write_file(folder / name, text);
        return folder / name;
    }
    TempFolder folder;
    bool ready = false;
};

}  // namespace

TEST_CASE("a text under a video's name opens no other file", "[reach]") {
    const Place at;
    if (!at.ready) return;
    const std::string clip = "file://" + at.folder / "clip.ts";
    const std::string lists[][2] = {
        {playlist(clip), "is a playlist that names '" + clip + "'"},
        {playlist("clip.ts"), "is a playlist that names 'clip.ts'"},
        {"ffconcat version 1.0\nfile " + clip + "\n", "is no video but a list (concat) that names '" + clip + "'"},
        {"ffconcat version 1.0\nfile '" + at.folder / "clip.ts" + "'\n",
         "(concat) that names '" + at.folder / "clip.ts'"},
        {"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n", "a list (sdp)"},
        {"<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" "
         "profiles=\"urn:mpeg:dash:profile:isoff-main:2011\"><Period><AdaptationSet><Representation id=\"1\" "
         "bandwidth=\"1\"><BaseURL>" +
             clip + "</BaseURL></Representation></AdaptationSet></Period></MPD>",
         "video"},
        {clip + "\n", "is no video or picture"},
    };
    for (const auto& [text, part] : lists)
        for (const char* name : {"in/x.mp4", "in/x.mkv", "in/x", "in/x.ts"}) check_refused(at.write(name, text), part);
    const std::string x = at.write("in/x.mp4", lists[0][0]);
    CHECK(media::expand_inputs({at.write("in/y.mp4", clip + "\n")}).paths ==
          std::vector<std::string>{at.folder / "in/y.mp4"});
    CHECK(contains(error_of([&] { media::open_source(x); }).what(), lists[0][1]));
    CHECK(contains(error_of([&] { media::read_image(at.write("in/x.jpg", lists[0][0])); }).what(), lists[0][1]));
    using Copy = media::RecordingCopy;
    CHECK(error_of([&] { Copy(x, Copy::Tracks::all); }).kind() == ErrorKind::input);
    CHECK(error_of([&] { Copy(at.write("in/x.mp4", lists[2][0]), Copy::Tracks::all); }).kind() == ErrorKind::input);
}

TEST_CASE("a playlist that comes through a pipe opens no file", "[reach]") {
    const Place at;
    if (!at.ready) return;
    const std::string pipe = at.folder / "pipe.m3u8";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    std::thread writer([&] { write_file(pipe, playlist("file://" + at.folder / "clip.ts")); });
    const std::string error = read(pipe);
    writer.join();
    CHECK(contains(error, "is a playlist that names 'file://"));
}

TEST_CASE("a playlist by its name opens what is beside it and below", "[reach]") {
    const Place at;
    if (!at.ready) return;
    const std::string clip = at.folder / "clip.ts";
    CHECK(read(at.write("list.m3u8", playlist("clip.ts"))) == "30");
    CHECK(read(at.write("list.m3u", playlist(clip))) == "30");
    CHECK(read(at.write("list.m3u", playlist("file:" + clip))) == "30");
    CHECK(read(at.write("master.m3u8", master("list.m3u8"))) == "30");
    media::RecordingCopy copy(at.folder / "list.m3u8", media::RecordingCopy::Tracks::all);
    CHECK(copy.video() == 0);
    std::filesystem::copy(clip, at.folder / "in/clip.ts");
    CHECK(read(at.write("list.m3u8", playlist("in/clip.ts"))) == "30");
    std::filesystem::create_symlink(clip, at.folder / "in/link.ts");
    const std::string outside = "which is no file in its folder or below and was not opened";
    for (const std::string& segment : {std::string("../clip.ts"), clip, "file://" + clip, std::string("link.ts")})
        check_refused(at.write("in/list.m3u8", playlist(segment)), outside);
    check_refused(at.write("in/list.m3u8", master("../list.m3u8")), outside);
    check_refused(at.write("in/list.m3u8", playlist("http://127.0.0.1:9/clip.ts")), outside);
    check_refused(at.write("in/list.m3u8", kHead + "#EXT-X-KEY:METHOD=AES-128,URI=\"" + clip + "\"\n" +
                                               playlist("clip.ts").substr(kHead.size())),
                  outside);
    check_refused(at.write("concat.m3u8", "ffconcat version 1.0\nfile clip.ts\n"), "is no video but a list (concat)");
}

TEST_CASE("a playlist's part that is missing is named, and nothing behind it is read", "[reach]") {
    const Place at;
    if (!at.ready) return;
    const std::string part = "#EXTINF:1,\nclip.ts\n", missing = "#EXTINF:1,\nmissing.ts\n",
                      next = "#EXT-X-DISCONTINUITY\n";
    CHECK(read(at.write("list.m3u8", kHead + part + next + part + kEnd)) == "60");
    at.write("empty.ts", "");
    at.write("page.ts", "\n<!DOCTYPE html>\n<html><body>Not found</body></html>\n");
    at.write("error.ts", "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code></Error>");
    at.write("zeros.ts", std::string(20000, '\0'));
    at.write("cut.ts", read_file(at.folder / "clip.ts").substr(0, 187));
    at.write("tables.ts", read_file(at.folder / "clip.ts").substr(188, 376));  // of what is in it
    at.write("table.ts", read_file(at.folder / "clip.ts").substr(188, 188));
    std::filesystem::create_directory(at.folder / "x.m3u8.d");
    std::filesystem::create_directory(at.folder / "folder.ts");
    const std::string lacks[][2] = {{"folder.ts", "cannot be opened (Is a directory"},
                                    {"tables.ts", "is cut short: it holds no picture"},
                                    {"table.ts", "is cut short: it holds no picture"},
                                    {"missing.ts", "cannot be opened (No such file"},
                                    {"x.m3u8.d/missing.ts", "cannot be opened (No such file"},
                                    {"empty.ts", "is empty"},
                                    {"zeros.ts", "is empty, but for zeros"},
                                    {"cut.ts", "is cut short"},
                                    {"error.ts", "is a text, maybe a web page"},
                                    {"page.ts", "is a text, maybe a web page"}};
    for (const auto& [name, why] : lacks) {
        const std::string lacking = "#EXTINF:1,\n" + name + "\n";
        for (const std::string& parts : {part + lacking + next + part, lacking + part, lacking}) {
            std::size_t frames = 0;
            const std::string error = read(at.write("list.m3u8", kHead + parts + kEnd), frames);
            CAPTURE(parts, error);
            CHECK(contains(error, "list.m3u8' "));
            CHECK(contains(error, "a part of it, " + at.folder / name + ", " + why));
            CHECK(contains(error, contains(error, "ended early") ? "put it there" : "cannot be read"));
            CHECK(frames == (parts.starts_with(part) ? 30 : 0));
        }
    }
}

TEST_CASE("a playlist's part that is half, or shorter than the list says, is named behind what comes before",
          "[reach]") {
    const Place at;
    if (!at.ready) return;
    const auto check_cut = [&](const std::string& part, const std::string& why) {
        std::size_t frames = 0;
        const std::string error = read(at.folder / "list.m3u8", frames);
        CAPTURE(part, error, frames);
        CHECK(contains(error, "list.m3u8' ended early"));
        CHECK(contains(error, "a part of it, " + at.folder / part + ", " + why));
        CHECK(frames >= 10);
        CHECK(frames < 20);
    };
    const std::string lists[][3] = {
        {"list0.ts list1.ts list2.ts", "", "is cut short"},
        {"list0.m4s list1.m4s list2.m4s", "-hls_segment_type fmp4", "is cut short"},
        {"list.ts", "-hls_flags single_file", "ends before what the list names of it"},
        {"list.m4s", "-hls_segment_type fmp4 -hls_flags single_file", "ends before what the list names of it"}};
    for (const auto& [parts, options, why] : lists) {
        if (!make_video("-i " + at.folder / "clip.ts" + " -c copy -f hls -hls_time 1 -hls_playlist_type vod " + options,
                        at.folder / "list.m3u8"))
            continue;
        CHECK(read(at.folder / "list.m3u8") == "30");
        const bool is_one = !contains(parts, " ");
        const std::string part = is_one ? parts : "list1" + parts.substr(parts.rfind('.'));
        const auto whole = std::size_t(std::filesystem::file_size(at.folder / part));
        std::filesystem::resize_file(at.folder / part, is_one ? whole * 4 / 10 : whole / 2 / 188 * 188 + 1);
        check_cut(part, why);
    }
}

TEST_CASE("an encrypted playlist is read with the key beside it, from a folder and from a web server", "[reach]") {
    const Place at;
    if (!at.ready) return;
    at.write("list.key", "0123456789abcdef");
    at.write("info", "list.key\n" + at.folder / "list.key\n");
    if (!make_video("-i '" + at.folder / "clip.ts" +
                        "' -c copy -f hls -hls_time 1 -hls_playlist_type vod -hls_key_info_file '" +
                        at.folder / "info'",
                    at.folder / "list.m3u8"))
        return;
    CHECK(read(at.folder / "list.m3u8") == "30");
    HttpAnswer answer;
    for (const std::string& name : at.folder.names())
        if (name.starts_with("list") && !name.ends_with(".m3u8"))
            answer.others["/" + name] = read_file(at.folder / name);
    answer.file = read_file(at.folder / "list.m3u8");
    const HttpServer server(answer);
    CHECK(read(server.url("list.m3u8")) == "30");
}

TEST_CASE("a playlist of itself ends at once", "[reach]") {
    const Place at;
    if (!at.ready) return;
    check_refused(at.write("list.m3u8", master("list.m3u8")), "is a playlist that names itself");
    check_refused(at.write("list.m3u8", kHead), "is a playlist that names itself, or nothing");
    check_refused(at.write("list.m3u8", playlist("list.m3u8")), "list.m3u8");
    at.write("b.m3u8", master("b.m3u8"));
    check_refused(at.write("a.m3u8", master("b.m3u8")), "names more than 256 others, or some in a circle");
}

TEST_CASE("a playlist behind a web server opens what HTTP gives", "[reach]") {
    const Place at;
    if (!at.ready) return;
    HttpAnswer answer;
    answer.file = playlist("file://" + at.folder / "clip.ts");
    answer.others["/clip.ts"] = read_file(at.folder / "clip.ts");
    const auto error_of_answer = [&] {
        const HttpServer server(answer);
        return read(server.url("list.m3u8"));
    };
    CHECK(contains(error_of_answer(), "which is no address of HTTP and was not opened"));
    answer.file = master("list.m3u8");
    answer.others["/list.m3u8"] = master("list.m3u8");
    CHECK(contains(error_of_answer(), "is a playlist that names itself"));
    answer.others.erase("/list.m3u8");
    answer.file = "ffconcat version 1.0\nfile clip.ts\n";
    CHECK(contains(error_of_answer(), "a list of a kind that is not followed"));
    answer.file = playlist("clip.ts");
    CHECK(error_of_answer() == "30");
}

TEST_CASE("a DASH list of which libav reads only some, beside sound, too, is said to be short", "[reach]") {
    const TempFolder folder;
    const std::string video = "-f lavfi -i testsrc2=size=96x64:rate=10:duration=6 ", sound = "-f lavfi -i sine=d=6 ";
    const std::string dash = "-c:v libx264 -bf 0 -g 10 -f dash -seg_duration 1 ";
    for (const std::string& streams : {video, video + sound})
        for (const bool is_list : {false, true}) {
            const std::string kind = is_list ? "-use_template 0 -use_timeline 0" : "-use_template 1 -use_timeline 1";
            if (!make_video(streams + dash + kind, folder / "x.mpd")) continue;
            HttpAnswer answer;
            answer.file = read_file(folder / "x.mpd");
            for (const std::string& name : folder.names())
                if (name != "x.mpd") answer.others["/" + name] = read_file(folder / name);
            const HttpServer server(answer);
            const auto input = media::open_input(server.url("x.mpd"));
            const auto reader = input->make_reader({});
            std::size_t frames = 0;
            while (const auto segment = input->next_segment()) frames += read_segment(*reader, segment).size();
            const SegmentNotes notes = input->notes();
            CAPTURE(streams, is_list, frames, notes.first_damage);
            CHECK((frames == 60) == (notes.damaged == 0));
            CHECK((is_list || frames == 60));
            CHECK((frames == 60 || contains(notes.first_damage, "ended early")));
        }
}
