// SPDX-License-Identifier: MIT
//
// Live playlists (HLS) that end, or do not go on.
#include <convoy/media/input.h>

#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/in_time.h"
#include "tests/tools/child.h"
#include "tests/tools/http_server.h"
#include "tests/tools/media_files.h"
#include "tests/tools/segment_frames.h"

using namespace convoy;
using namespace convoy::test;

namespace {

constexpr std::size_t kFrames = 50;

bool make_clip(const std::string& path) {
    return make_video("-f lavfi -i testsrc2=size=96x64:rate=25:duration=2 -c:v libx264 -g 25", path);
}

/// A server of a list that names the clip, and does not say that it ends.
HttpAnswer open_list(const std::string& clip) {
    HttpAnswer answer;
    answer.others["/clip.ts"] = read_file(clip);
    answer.file = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nclip.ts\n";
    return answer;
}

struct Read {
    std::size_t frames = 0;
    SegmentNotes notes;
};

/// All of a live playlist.
Read read_list(const HttpServer& server, const media::InputOptions& options = {}) {
    const auto input = media::open_input(server.url("list.m3u8"), options);
    const auto segment = input->next_segment();
    if (!segment) return {};
    CHECK(segment->kind() == SegmentKind::endless);
    const auto reader = input->make_reader({});
    const std::size_t frames = in_time("a live playlist", [&] { return read_segment(*reader, segment).size(); });
    return {frames, reader->notes()};
}

}  // namespace

TEST_CASE("a live playlist that says at last that it ends is read to there, and not again", "[http]") {
    const TempFolder folder;
    if (!make_clip(folder / "clip.ts")) return;
    HttpAnswer answer = open_list(folder / "clip.ts");
    answer.file_at_last = answer.file + "#EXT-X-ENDLIST\n";
    const Read read = read_list(HttpServer(answer));
    CHECK(read.frames == kFrames);
    CHECK(read.notes.damaged == 0);
}

TEST_CASE("a part that a live playlist names in vain is named, and what is behind it is read", "[http]") {
    const TempFolder folder;
    if (!make_clip(folder / "clip.ts")) return;
    const std::string head = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n", clip = "#EXTINF:1,\nclip.ts\n",
                      missing = "#EXTINF:1,\nmissing.ts\n";
    for (const std::string& parts : {clip + missing, missing + clip}) {
        HttpAnswer answer = open_list(folder / "clip.ts");
        answer.others["/missing.ts"] = "";
        answer.file = head + parts;
        answer.file_at_last = answer.file + "#EXT-X-ENDLIST\n";
        const Read read = read_list(HttpServer(answer));
        CHECK(read.frames == kFrames);
        CAPTURE(read.notes.first_damage);
        CHECK(read.notes.damaged == 1);
        CHECK(read.notes.first_damage.find("/missing.ts, cannot be opened (Server returned 404") != std::string::npos);
    }
}

TEST_CASE("a live playlist that does not grow any more is given up", "[http]") {
    const TempFolder folder;
    if (!make_clip(folder / "clip.ts")) return;
    media::InputOptions options;
    options.give_up_s = 2;
    const Read read = read_list(HttpServer(open_list(folder / "clip.ts")), options);
    CHECK(read.frames + 1 >= kFrames);  // one may be held back
    CHECK(read.notes.damaged > 0);
    CHECK(read.notes.first_damage.find("was given up") != std::string::npos);
}
