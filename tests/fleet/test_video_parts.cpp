// SPDX-License-Identifier: MIT
//
// The parts of a video, one after the other, are the whole. Videos that are hard to cut are in test_segments.cpp.
#include "tools/fleet/video_parts.h"

#include <algorithm>

#include "tests/fleet/part_frames.h"
#include "tests/support/catch.h"
#include "tests/support/complaint.h"
#include "tests/support/contains.h"
#include "tests/support/data.h"
#include "tests/tools/http_server.h"
#include "tests/tools/media_files.h"

using namespace convoy;
using namespace convoy::test;
using fleet::parts_of;
using fleet::VideoParts;

namespace {

/// A keyframe each second, frames reordered.
bool make_clip(const std::string& path, const std::string& more = "") {
    return make_video(
        "-f lavfi -i testsrc2=size=96x64:rate=25:duration=20 -c:v libx264 -preset ultrafast -g 25 -bf 3 " + more, path);
}

}  // namespace

TEST_CASE("a video is cut into parts of about the length that is asked for", "[parts]") {
    const TempFolder folder;
    const std::string path = folder / "a.mp4";
    if (!make_clip(path)) return;
    const VideoParts parts = parts_of(path, 5);
    CHECK(std::abs(parts.seconds - 20) < .1);
    CHECK(parts.cuts == std::vector<double>{5, 10, 15});
    CHECK(fault_of(parts, path) == "");
    CHECK(parts_of(path, 0).cuts.empty());
    CHECK(parts_of(path, 0).why_whole.empty());
    CHECK(parts_of(path, 14).cuts.empty());
    CHECK(parts_of(path, 13).cuts == std::vector<double>{10});
    CHECK(parts_of(path, .5).cuts.size() == 9);  // segments have at least 48 packets
}

TEST_CASE("open GOPs between IDR pictures are cut at these alone", "[parts]") {
    const TempFolder folder;
    const std::string path = folder / "a.mp4";
    if (!make_clip(path,
                   "-preset veryfast -x264-params open-gop=1:keyint=15 -forced-idr 1 "
                   "-force_key_frames 'expr:eq(mod(n,100),60)'"))
        return;
    const VideoParts parts = parts_of(path, 3);
    CHECK(parts.cuts.size() >= 3);
    for (const double at_s : parts.cuts)
        CHECK(std::abs(at_s * 25 - std::round((at_s * 25 - 60) / 100) * 100 - 60) < .1);
    CHECK(fault_of(parts, path) == "");
}

TEST_CASE("a file without an index is read through, and cut as well", "[parts]") {
    const TempFolder folder;
    const std::string path = folder / "a.ts";
    if (!make_clip(path, "-output_ts_offset 7.3")) return;
    const VideoParts parts = parts_of(path, 5);
    CHECK(parts.cuts.size() == 3);
    CHECK(fault_of(parts, path) == "");
}

TEST_CASE("what has stamps that leap, or none, stays whole", "[parts]") {
    const TempFolder folder;
    if (!make_clip(folder / "a.ts")) return;
    Bytes twice = read_bytes(folder / "a.ts");
    const Bytes once = twice;
    twice.insert(twice.end(), once.begin(), once.end());
    write_bytes(folder / "twice.ts", twice);
    const VideoParts parts = parts_of(folder / "twice.ts", 5);
    CHECK(parts.cuts.empty());
    CHECK(contains(parts.why_whole, "time stamps"));
    REQUIRE(make_video("-i '" + folder / "a.ts" + "' -c copy -bsf:v h264_mp4toannexb", folder / "a.h264"));
    const VideoParts raw = parts_of(folder / "a.h264", 5);
    CHECK(raw.cuts.empty());
    CHECK(std::abs(raw.seconds - 20) < .1);
}

TEST_CASE("pictures and clips are one part", "[parts]") {
    const TempFolder folder;
    media::write_image(folder / "a.png", synthetic(32, 24, 1));
    CHECK(parts_of(folder / "a.png", 600).seconds == .04);
    CHECK(parts_of(folder / "a.png", 600).cuts.empty());
    const VideoParts parts = parts_of(clip(), 600);
    CHECK(std::abs(parts.seconds - 24) < .1);
    CHECK(parts.cuts.empty());
}

TEST_CASE("what no run could open has no parts", "[parts]") {
    const TempFolder folder;
    write_bytes(folder / "a.mp4", Bytes(1000, 'x'));
    CHECK(contains(complaint([&] { parts_of(folder / "a.mp4", 600); }), "a.mp4"));
    CHECK(contains(complaint([&] { parts_of(folder / "none.mp4", 600); }), "none.mp4"));
}

TEST_CASE("a recording on a web server is cut by its index alone", "[parts][http]") {
    const TempFolder folder;
    const std::string path = folder / "a.mp4";
    if (!make_clip(path, "-movflags +faststart")) return;
    HttpAnswer answer;
    const Bytes bytes = read_bytes(path);
    answer.file.assign(bytes.begin(), bytes.end());
    const HttpServer server(answer);
    const VideoParts parts = parts_of(server.url("a.mp4?token=x"), 5);
    CHECK(parts.cuts == parts_of(path, 5).cuts);
    CHECK(fault_of(parts, server.url("a.mp4")) == "");
    if (!make_clip(folder / "a.ts")) return;
    const Bytes ts = read_bytes(folder / "a.ts");
    answer.file.assign(ts.begin(), ts.end());
    const HttpServer other(answer);
    CHECK(contains(parts_of(other.url("a.ts"), 5).why_whole, "no index"));
}

TEST_CASE("parts of a recording are the whole", "[parts]") {
    const std::string path = data_or_skip("/videos/car-detection.mp4");
    if (path.empty()) return;
    const VideoParts parts = parts_of(path, 5);
    CHECK(!parts.cuts.empty());
    CHECK(fault_of(parts, path) == "");
}
