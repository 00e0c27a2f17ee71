// SPDX-License-Identifier: MIT
//
// Whatever way a video is cut and its segments are read, the frames are those of decoding it in sequence.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <sstream>

#include <convoy/media/input.h>
#include "tests/fleet/part_frames.h"
#include "tests/support/catch.h"
#include "tests/tools/awkward_videos.h"
#include "tests/tools/media_files.h"
#include "tests/tools/segment_frames.h"
#include "tools/media/in/packet_segment.h"
#include "tools/media/in/video_reader.h"

using namespace convoy;
using namespace convoy::test;

namespace {

using Segments = std::vector<std::shared_ptr<const Segment>>;

/// Times of the frames by ffprobe, NaN where it knows none.
std::vector<double> times_by_ffprobe(const std::string& path) {
    const Bytes text = output_of(
        "ffprobe -v quiet -threads 1 -flags +output_corrupt -select_streams v:0 -show_entries "
        "frame=pts_time -of default=nw=1:nk=1 '" +
        path + "'");
    std::istringstream lines(std::string(text.begin(), text.end()));
    std::vector<double> times;
    for (std::string line; std::getline(lines, line);) times.push_back(line == "N/A" ? std::nan("") : std::stod(line));
    return times;
}

/// Segments in the order given by one reader, then put into the order of the input. `readers`: how many take turns.
std::vector<FrameMark> read_shuffled(Input& input, const Segments& segments, const std::vector<std::size_t>& order,
                                     std::size_t readers) {
    std::vector<std::unique_ptr<SegmentReader>> pool;
    for (std::size_t i = 0; i < readers; ++i) pool.push_back(input.make_reader({}));
    std::map<std::size_t, std::vector<FrameMark>> parts;
    for (std::size_t i = 0; i < order.size(); ++i)
        parts[order[i]] = read_segment(*pool[i % readers], segments[order[i]]);
    std::vector<FrameMark> frames;
    for (auto& [index, part] : parts) frames.insert(frames.end(), part.begin(), part.end());
    return frames;
}

std::vector<std::size_t> counted(std::size_t n) {
    std::vector<std::size_t> order(n);
    for (std::size_t i = 0; i < n; ++i) order[i] = i;
    return order;
}

/// As readers for a GPU do it, which keep their decoder: back and forth, so that it never sees two in a row, those from
/// the end as segments of another input of the same kind.
std::vector<FrameMark> read_by_kept_decoder(const std::string& path, Input& input, const Segments& segments) {
    const auto first = std::dynamic_pointer_cast<const media::PacketSegment>(segments.front());
    if (!first) return {};
    media::VideoReader reader(first->stream, {}, true);
    const auto other = media::open_input(path);
    const Segments others = all_segments(*other);
    REQUIRE(others.size() == segments.size());
    std::map<std::size_t, std::vector<FrameMark>> parts;
    const std::size_t n = segments.size();
    for (std::size_t i = 0; i < n; ++i) {
        const bool from_end = i % 2;
        const std::size_t index = from_end ? n - 1 - i / 2 : i / 2;
        CHECK((from_end ? *other : input).adopt_reader(reader));
        parts[index] = read_segment(reader, (from_end ? others : segments)[index]);
    }
    std::vector<FrameMark> frames;
    for (auto& [index, part] : parts) frames.insert(frames.end(), part.begin(), part.end());
    return frames;
}

/// Hashes of the planes as ffmpeg decodes them, by one thread and without looking at how the video is to be shown.
void compare_with_ffmpeg(const AwkwardVideo& video, Input& input, const Segments& segments) {
    const Bytes raw = output_of("ffmpeg -threads 1 -noautorotate -flags +output_corrupt+unaligned -i '" + video.path +
                                "' -map 0:v:0 -fps_mode passthrough -f rawvideo -pix_fmt nv12 -");
    const auto reader = input.make_reader({});
    std::size_t at = 0, frames = 0;
    for (const auto& segment : segments) {
        reader->open(segment);
        for (; const auto frame = reader->next(); ++frames) {
            const PixelView& p = frame->pixels;
            for (int plane = 0; plane < 2; ++plane)
                for (int y = 0; y < (plane ? (p.height + 1) / 2 : p.height); ++y) {
                    const auto size = std::size_t(plane ? (p.width + 1) / 2 * 2 : p.width);
                    const std::uint8_t* row = p.plane[plane] + std::ptrdiff_t(y) * p.pitch[plane];
                    CAPTURE(frames, plane, y);
                    REQUIRE(at + size <= raw.size());
                    REQUIRE(std::equal(row, row + size, raw.begin() + std::ptrdiff_t(at)));
                    at += size;
                }
        }
    }
    CHECK(at == raw.size());
}

Cut cut_of(const Segments& segments) {
    const auto closed =
        std::count_if(segments.begin(), segments.end(), [](const auto& s) { return s->kind() == SegmentKind::closed; });
    if (closed == 0) return Cut::handed_out;
    if (closed < std::ptrdiff_t(segments.size())) return Cut::some_of_each;
    return closed == 1 ? Cut::one : Cut::many;
}

std::string flaws_of(const Segments& segments) {
    std::string flaws;
    for (const auto& segment : segments)
        if (const auto packets = std::dynamic_pointer_cast<const media::PacketSegment>(segment))
            if (!packets->flaw.empty()) flaws += packets->flaw + ". ";
    return flaws;
}

void check_video(const AwkwardVideo& video) {
    const auto input = media::open_input(video.path);
    const Segments segments = all_segments(*input);
    const std::vector<FrameMark> expected = read_in_sequence(video.path);
    INFO(video.name << ": " << segments.size() << " segments, " << expected.size() << " frames. " << input->remark());
    REQUIRE(!expected.empty());
    CHECK(cut_of(segments) == video.cut);
    const bool in_pieces = video.cut == Cut::many || video.cut == Cut::one;
    CHECK(input->remark().empty() == (in_pieces && video.name != "interlaced.mp4"));
    CHECK(input->info().width == expected[0].width);
    CHECK(input->info().height == expected[0].height);
    CHECK((expected[0].format == PixelFormat::nv12) == video.nv12);
    if (!video.damaged) CHECK(input->notes().first_damage == "");
    // Two MPEG-TS files in one: packets are missing between them, for all that the demuxer knows.
    CHECK(flaws_of(segments).empty() == !(video.damaged || video.name == "two_sizes.ts"));

    const std::vector<double> times = times_by_ffprobe(video.path);
    CHECK(times.size() == expected.size());
    for (std::size_t i = 0; i < std::min(times.size(), expected.size()); ++i)
        if (!std::isnan(times[i]) && std::fabs(times[i] - expected[i].time_s) > 1e-6) {
            CAPTURE(i, times[i], expected[i].time_s);
            FAIL_CHECK("the time is not ffprobe's");
            break;
        }

    const std::vector<std::size_t> order = counted(segments.size());
    const std::vector<FrameMark> forward = read_shuffled(*input, segments, order, 1);
    // libav patches up what is missing with whatever pictures it has seen, so only the times are the same.
    CHECK(difference(forward, expected, video.damaged) == "");
    CHECK(difference(read_shuffled(*input, segments, {order.rbegin(), order.rend()}, 1), forward) == "");
    CHECK(difference(read_shuffled(*input, segments, order, 3), forward) == "");
    if (video.cut == Cut::many && !video.damaged)
        CHECK(difference(read_by_kept_decoder(video.path, *input, segments), forward) == "");
    const bool one_size =
        std::all_of(expected.begin(), expected.end(), [&](const FrameMark& f) { return f.width == expected[0].width; });
    // ffmpeg takes NV12 for limited in range.
    if (video.nv12 && !video.damaged && one_size && !expected[0].full_range)
        compare_with_ffmpeg(video, *input, segments);
}

/// As it is shared out to several machines.
void check_parts(const AwkwardVideo& video) {
    const fleet::VideoParts parts = fleet::parts_of(video.path, 2.5);
    INFO(parts.cuts.size() << " cuts; " << parts.why_whole);
    CHECK(fault_of(parts, video.path, video.damaged) == "");
    const bool keeps_stamps = video.name.ends_with(".mp4") && video.name != "wrong_stamps.mp4";
    if (video.cut == Cut::many && keeps_stamps) CHECK(!parts.cuts.empty());
}

}  // namespace

TEST_CASE("segments give the frames of decoding in sequence", "[segments][slow]") {
    if (!has_ffmpeg()) {
        WARN("skipped: ffmpeg is not installed");
        return;
    }
    const TempFolder folder;
    for (const AwkwardVideo& video : make_awkward_videos(folder)) {
        INFO(video.name);
        check_video(video);
        check_parts(video);
    }
}
