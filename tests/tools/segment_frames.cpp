// SPDX-License-Identifier: MIT
#include "tests/tools/segment_frames.h"

#include <algorithm>
#include <cmath>

#include "tools/media/in/decoder.h"
#include "tools/media/in/demuxer.h"
#include "tools/media/in/frame_maker.h"

namespace convoy::test {
namespace {

void add(std::uint64_t& hash, std::uint64_t value) { hash = (hash ^ value) * 0x100000001b3u; }

void add_plane(std::uint64_t& hash, const std::uint8_t* plane, int pitch, int row_bytes, int rows) {
    for (int y = 0; y < rows; ++y)
        for (int x = 0; x < row_bytes; ++x) add(hash, plane[std::ptrdiff_t(y) * pitch + x]);
}

}  // namespace

FrameMark mark_of(const Frame& frame) {
    const PixelView& p = frame.pixels;
    FrameMark mark{0xcbf29ce484222325u, frame.time_s, p.width, p.height, p.format, false};
    const bool nv12 = p.format == PixelFormat::nv12;
    mark.full_range = nv12 && p.range == ColorRange::full;
    for (const int value : {p.width, p.height, int(nv12), nv12 ? int(p.matrix) : 0, nv12 ? int(p.range) : 0})
        add(mark.hash, std::uint64_t(value));
    add_plane(mark.hash, p.plane[0], p.pitch[0], nv12 ? p.width : 3 * p.width, p.height);
    if (nv12) add_plane(mark.hash, p.plane[1], p.pitch[1], (p.width + 1) / 2 * 2, (p.height + 1) / 2);
    return mark;
}

std::vector<std::shared_ptr<const Segment>> all_segments(Input& input) {
    std::vector<std::shared_ptr<const Segment>> segments;
    while (auto segment = input.next_segment()) segments.push_back(std::move(segment));
    return segments;
}

std::vector<FrameMark> read_segment(SegmentReader& reader, const std::shared_ptr<const Segment>& segment) {
    std::vector<FrameMark> frames;
    reader.open(segment);
    while (const auto frame = reader.next()) frames.push_back(mark_of(*frame));
    return frames;
}

std::vector<FrameMark> read_in_sequence(const std::string& path) {
    media::Demuxer demuxer(path);
    media::Decoder decoder(demuxer.stream(), demuxer.stream()->extradata(), {});
    media::FrameMaker maker(demuxer.stream());
    media::PacketPtr packet(av_packet_alloc());
    SegmentNotes notes;
    std::vector<FrameMark> frames;
    while (AVFrame* picture = decoder.next([&] { return demuxer.read(*packet) ? packet.get() : nullptr; }, notes))
        if (const auto frame = maker.make(*picture)) frames.push_back(mark_of(*frame));
    return frames;
}

std::string difference(const std::vector<FrameMark>& frames, const std::vector<FrameMark>& expected, bool any_pixels) {
    for (std::size_t i = 0; i < std::min(frames.size(), expected.size()); ++i) {
        const FrameMark &a = frames[i], &e = expected[i];
        const std::string where = "frame " + std::to_string(i) + " of " + std::to_string(expected.size()) + ", at " +
                                  std::to_string(a.time_s) + " s";
        if (std::isnan(a.time_s) != std::isnan(e.time_s) || std::fabs(a.time_s - e.time_s) > 1e-6)
            return where + ": expected at " + std::to_string(e.time_s) + " s";
        if (a.width != e.width || a.height != e.height) return where + ": has another size";
        if (a.format != e.format) return where + ": has another format";
        if (!any_pixels && a.hash != e.hash) return where + ": has other pixels";
    }
    if (frames.size() == expected.size()) return "";
    return std::to_string(frames.size()) + " frames, expected " + std::to_string(expected.size());
}

}  // namespace convoy::test
