// SPDX-License-Identifier: MIT
#include "tools/fleet/video_parts.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include <convoy/media/input.h>
#include "tools/fleet/patience.h"
#include "tools/media/files.h"
#include "tools/media/in/demuxer.h"
#include "tools/media/in/segmenter.h"

namespace convoy::fleet {
namespace {

constexpr double kPicture_s = .04;
constexpr const char* kOdd = "its time stamps are missing, step back or leap";

/// From where the demuxer stands on, cut by cut.
class Scan {
public:
    explicit Scan(media::Demuxer& demuxer)
        : stream_(demuxer.stream()),
          longest_gap_s_(demuxer.info().longest_gap_s),
          segmenter_(stream_, [&demuxer](AVPacket& packet) { return demuxer.read(packet); }) {}

    /// The stamp of the first cut from a stamp on; nothing where there is none, or where stamps are no guide.
    std::optional<double> cut_from(double from_s) {
        while (std::optional<media::PacketRun> run = segmenter_.next()) {
            const bool is_cut = run->begins && !std::exchange(is_first_, false);
            see(*run->segment, is_cut);
            if (is_odd_) break;
            if (is_cut && cut_s_ >= from_s) return cut_s_;
        }
        return std::nullopt;
    }
    /// Reads on to the end.
    void finish() { cut_from(std::numeric_limits<double>::infinity()); }
    bool is_odd() const { return is_odd_; }
    bool can_cut() const { return segmenter_.can_cut(); }

private:
    void see(const media::PacketSegment& segment, bool is_cut) {
        const std::size_t count = segment.packets.size() - (segment.leading > 0 ? segment.leading + 1 : 0);
        const double before_s = last_s_;
        double first_s = std::numeric_limits<double>::infinity();
        for (std::size_t i = 0; i < count; ++i) {
            const double at_s = stream_->seconds(segment.packets[i]->pts);
            is_odd_ |= std::isnan(at_s) || at_s - last_s_ > longest_gap_s_;
            const bool is_of_before = is_cut && i > 0 && i <= segment.led_by;
            if (!is_of_before) first_s = std::min(first_s, at_s);
            last_s_ = std::fmax(last_s_, at_s);
        }
        is_odd_ |= is_cut ? first_s <= before_s : first_s < cut_s_;
        if (is_cut) cut_s_ = first_s;
    }

    const media::VideoStreamPtr stream_;
    const double longest_gap_s_;
    media::Segmenter segmenter_;
    double cut_s_ = -std::numeric_limits<double>::infinity();   // the last one
    double last_s_ = std::numeric_limits<double>::quiet_NaN();  // the latest stamp
    bool is_first_ = true, is_odd_ = false;
};

/// Whether a run that is to start there, in stamps, goes to a place before it.
bool can_start_at(media::Demuxer& demuxer, double at_s) {
    demuxer.seek_before(at_s);
    const media::PacketPtr packet(av_packet_alloc());
    if (!packet) throw std::bad_alloc();
    return demuxer.read(*packet) && demuxer.stream()->seconds(packet->pts) <= at_s;
}

/// By its packets, where the container does not tell.
double counted_s(const std::string& location, std::stop_token cancel) {
    media::Demuxer demuxer(location, std::move(cancel));
    const InputInfo& info = demuxer.info();
    const media::PacketPtr packet(av_packet_alloc());
    if (!packet) throw std::bad_alloc();
    std::int64_t packets = 0;
    while (demuxer.read(*packet)) ++packets;
    return info.fps_num > 0 ? double(packets) * info.fps_den / info.fps_num : double(packets) * kPicture_s;
}

/// The stamp of the first frame that is shown.
double first_frame_s(Input& input, const std::shared_ptr<const Segment>& first) {
    const auto reader = input.make_reader({});
    reader->open(first);
    const std::optional<Frame> frame = reader->next();
    return frame ? frame->time_s : std::numeric_limits<double>::quiet_NaN();
}

void find_cuts(media::Demuxer& demuxer, int parts, double total_s, VideoParts& out) {
    const double begin_s = demuxer.begin_s();
    std::optional<Scan> scan;
    if (!demuxer.has_index()) scan.emplace(demuxer);
    std::vector<double> stamps;
    for (int i = 1; i < parts; ++i) {
        const double wanted_s = begin_s + total_s * i / parts;
        if (!stamps.empty() && stamps.back() >= wanted_s) continue;
        if (demuxer.has_index()) {
            demuxer.seek_before(wanted_s);
            scan.emplace(demuxer);
        }
        const std::optional<double> cut_s = scan->cut_from(wanted_s);
        if (scan->is_odd()) {
            out.why_whole = kOdd;
            return;
        }
        if (!cut_s) break;
        stamps.push_back(*cut_s);
    }
    if (!demuxer.has_index()) scan->finish();
    if (scan->is_odd()) {
        out.why_whole = kOdd;
        return;
    }
    if (demuxer.has_index()) std::erase_if(stamps, [&](double at_s) { return !can_start_at(demuxer, at_s); });
    if (stamps.empty())
        out.why_whole = scan->can_cut() ? "it has no keyframe at which it could be cut"
                                        : std::string(avcodec_get_name(demuxer.stream()->codec())) + " is never cut";
    for (const double at_s : stamps) out.cuts.push_back(at_s - begin_s);
}

VideoParts look_for_parts(const std::string& location, double part_s, const std::stop_token& cancel) {
    VideoParts out;
    const std::unique_ptr<Input> input = media::open_input(location, {}, cancel);
    const std::shared_ptr<const Segment> first = input->next_segment();
    if (first && first->kind() == SegmentKind::endless)
        media::throw_input(location, "is a live input, which has no end that could be shared out; give a recording");
    const InputInfo& info = input->info();
    out.seconds = info.is_video ? info.duration_s : kPicture_s;
    if (out.seconds <= 0 && !media::is_url(location)) out.seconds = counted_s(location, cancel);
    const int parts = part_s > 0 ? int(std::min(std::round(out.seconds / part_s), 1e6)) : 1;
    if (!info.is_video || parts < 2) return out;
    media::Demuxer demuxer(location, cancel);
    if (!demuxer.has_index() && media::is_url(location))
        out.why_whole = "it has no index, and would have to be fetched to be looked at";
    else if (first_frame_s(*input, first) != demuxer.begin_s())
        out.why_whole = "it does not begin with the first frame that it shows";
    else
        find_cuts(demuxer, parts, out.seconds, out);
    return out;
}

}  // namespace

VideoParts parts_of(const std::string& location, double part_s, std::stop_token cancel) {
    VideoParts parts;
    try_patiently(location, cancel, [&] { parts = look_for_parts(location, part_s, cancel); });
    return parts;
}

}  // namespace convoy::fleet
