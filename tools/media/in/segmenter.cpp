// SPDX-License-Identifier: MIT
#include "tools/media/in/segmenter.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "tools/media/in/decoder.h"

namespace convoy::media {
namespace {

/// Behind so many packets in order none comes that is shown earlier: more than any codec's pictures to reorder.
constexpr std::size_t kSettled = 64;

/// A packet that has `before` in front of its own bytes.
PacketPtr prepended(const std::vector<std::uint8_t>& before, const AVPacket& packet) {
    PacketPtr longer(av_packet_alloc());
    if (!longer || av_new_packet(longer.get(), int(before.size()) + packet.size) < 0 ||
        av_packet_copy_props(longer.get(), &packet) < 0)
        throw std::bad_alloc();
    std::memcpy(longer->data, before.data(), before.size());
    std::memcpy(longer->data + before.size(), packet.data, std::size_t(packet.size));
    return longer;
}

/// How many of the packets behind `from` are shown after the one at `i`: a decoder must hold back as many.
int shown_after(const std::vector<PacketPtr>& packets, std::size_t from, std::size_t i) {
    constexpr std::size_t kMost = 16;  // H.264's largest picture buffer
    const std::int64_t pts = packets[i]->pts;
    std::size_t count = 0;
    for (std::size_t j = std::max(from, i - std::min(i, 2 * kMost)); j < i; ++j)
        count += pts != AV_NOPTS_VALUE && packets[j]->pts != AV_NOPTS_VALUE && packets[j]->pts > pts;
    return int(std::min(count, kMost));
}

}  // namespace

Segmenter::Segmenter(VideoStreamPtr stream, std::function<bool(AVPacket&)> read)
    : stream_(std::move(stream)), read_(std::move(read)), entries_(*stream_) {}

std::optional<PacketRun> Segmenter::next() {
    for (;;) {
        if (const std::optional<EntryPoint> cut = next_cut()) return take_to(*cut);
        if (ended_) {
            if (waiting_.empty() && !handing_out_) return std::nullopt;
            return take(waiting_.size(), true);
        }
        if (!handing_out_ && too_much() && candidate_ && candidate_->at > 0 &&
            waiting_.size() > candidate_->at + kSettled) {
            confirm_candidate();
            continue;
        }
        if (!handing_out_ && !waiting_.empty() && (!can_cut() || too_much())) {
            if (candidate_ && candidate_->at == 0) candidate_.reset();
            return take(sure(), false);
        }
        if (handing_out_) {
            if (candidate_ && too_much()) candidate_.reset();
            if (sure() > 0) return take(sure(), false);
        }
        if (!read()) {
            confirm_candidate();
            ended_ = true;
        }
    }
}

/// So many packets wait that no cut can come among.
std::size_t Segmenter::sure() const { return candidate_ ? candidate_->at : waiting_.size(); }

bool Segmenter::too_much() const { return waiting_.size() > kMostPackets || waiting_bytes_ > kMostBytes; }

bool Segmenter::read() {
    Waiting next{PacketPtr(av_packet_alloc()), {}, {}};
    if (!next.packet) throw std::bad_alloc();
    if (!read_(*next.packet)) return false;
    if (av_packet_make_refcounted(next.packet.get()) < 0) throw std::bad_alloc();
    next.look = entries_.look(*next.packet);
    next.headers = entries_.headers();
    weigh(next);
    waiting_bytes_ += std::size_t(next.packet->size);
    waiting_.push_back(std::move(next));
    ++packets_;
    return true;
}

/// What the next packet says of the entry points before it, and whether it is one.
void Segmenter::weigh(const Waiting& next) {
    Entry entry = next.look.entry;
    // Where only decoding times are known, a frame gets that of the packet which pushes it out: none at a cut.
    const AVPacket& packet = *next.packet;
    if (stream_->parameters->video_delay > 0 && packet.pts == AV_NOPTS_VALUE && packet.dts != AV_NOPTS_VALUE)
        entry = Entry::none;
    // The container may call every packet a keyframe, also those that lead one.
    const bool may_be_led = candidate_ && candidate_->may_be_led;
    if (entry != Entry::none || (packet.flags & AV_PKT_FLAG_KEY && !may_be_led)) confirm_candidate();
    if (candidate_ && !fits(next)) candidate_.reset();
    if (entry == Entry::none) return;
    ++entry_points_;
    if (entry == Entry::always)
        cuts_.push_back({waiting_.size()});
    else if (packet.pts != AV_NOPTS_VALUE)
        candidate_ = EntryPoint{waiting_.size(), 0, entry == Entry::led};
}

/// Whether the next packet leaves the candidate what it is.
bool Segmenter::fits(const Waiting& next) {
    const std::int64_t from = waiting_[candidate_->at].packet->pts, pts = next.packet->pts;
    if (pts == AV_NOPTS_VALUE) return false;
    if (pts >= from) return !next.look.leads;
    const bool right_behind = candidate_->at + candidate_->leading + 1 == waiting_.size();
    if (!candidate_->may_be_led || !next.look.leads || !right_behind) return false;
    ++candidate_->leading;
    return true;
}

/// Whether the packets that wait begin between two keyframes. All but the first run begin at one.
bool Segmenter::begins_inside_gop() const {
    if (waiting_.empty() || handing_out_ || !marks_keyframes(stream_->codec())) return false;
    const Waiting& first = waiting_.front();
    return can_cut() ? first.look.entry == Entry::none : !(first.packet->flags & AV_PKT_FLAG_KEY);
}

void Segmenter::confirm_candidate() {
    if (candidate_) cuts_.push_back(*candidate_);
    candidate_.reset();
}

/// The first confirmed cut with enough before it, taken from the list.
std::optional<Segmenter::EntryPoint> Segmenter::next_cut() {
    while (!cuts_.empty()) {
        const EntryPoint cut = cuts_.front();
        cuts_.pop_front();
        std::size_t bytes = 0;
        for (std::size_t i = 0; i < cut.at && bytes < kEnoughBytes; ++i) bytes += std::size_t(waiting_[i].packet->size);
        if (cut.leading > 0 && !is_last(cut)) continue;
        // Its first pictures are known by the keyframe behind them.
        if (!std::exchange(first_cut_seen_, true) && begins_inside_gop()) continue;
        if (handing_out_ || cut.at >= kEnoughPackets || bytes >= kEnoughBytes) return cut;
    }
    return std::nullopt;
}

/// Whether all that comes before the cut is shown before it. Time stamps may jump.
bool Segmenter::is_last(const EntryPoint& cut) const {
    const std::int64_t pts = waiting_[cut.at].packet->pts;
    const auto end = waiting_.begin() + std::ptrdiff_t(cut.at);
    auto begin = waiting_.begin();
    // What leads the first keyframe is shown before that; a file that was cut there may not say when.
    if (handing_out_) {
        if (std::any_of(handed_out_.begin(), handed_out_.end(),
                        [&](std::int64_t before) { return before == AV_NOPTS_VALUE || before >= pts; }))
            return false;
    } else if (begin != end)
        begin = std::find_if(begin + 1, end, [](const Waiting& w) { return !w.look.leads; });
    return std::all_of(begin, end,
                       [&](const Waiting& w) { return w.packet->pts != AV_NOPTS_VALUE && w.packet->pts < pts; });
}

void Segmenter::add(PacketSegment& segment, const Waiting& from, PacketPtr packet) const {
    if (segment.packets.empty()) segment.headers = from.headers;
    segment.headers_change |= from.headers != segment.headers;
    if (from.look.frames_missing) segment.flaw = "frames are missing in it";
    if (packet->flags & AV_PKT_FLAG_CORRUPT) segment.flaw = "a damaged packet";
    segment.size += std::size_t(packet->size);
    segment.packets.push_back(std::move(packet));
}

/// The first `count` waiting packets as a run that goes on, or ends behind them.
PacketRun Segmenter::take(std::size_t count, bool ends) {
    PacketRun run{std::make_shared<PacketSegment>(), !handing_out_, ends};
    PacketSegment& s = *run.segment;
    s.stream = stream_;
    if (run.begins) {
        s.left_out = std::exchange(left_out_, {});
        s.led_by = std::exchange(led_by_, 0);
        handed_out_.clear();
    }
    s.inside_gop = run.begins && begins_inside_gop();
    if (s.inside_gop && can_cut()) s.flaw = "it begins inside a GOP";
    std::size_t entry = 0;  // time stamps may begin anew there
    for (std::size_t i = 0; i < count; ++i) {
        Waiting& w = waiting_.front();
        waiting_bytes_ -= std::size_t(w.packet->size);
        if (w.look.entry == Entry::always) entry = i;
        handed_out_.push_back(w.packet->pts);
        if (handed_out_.size() > kSettled) handed_out_.pop_front();
        add(s, w, std::move(w.packet));
        if (stream_->codec() == AV_CODEC_ID_H264)
            s.reorder_depth = std::max(s.reorder_depth, shown_after(s.packets, entry, i));
        waiting_.pop_front();
    }
    if (run.begins && !s.packets.empty() && !s.headers->in_band.empty())
        s.packets[0] = prepended(s.headers->in_band, *s.packets[0]);
    if (!run.closed()) uncut_packets_ += std::int64_t(count);
    for (EntryPoint& cut : cuts_) cut.at -= count;
    if (candidate_) candidate_->at -= count;
    handing_out_ = !ends;
    return run;
}

/// The run that ends at a cut, with what its last pictures need from behind it.
PacketRun Segmenter::take_to(const EntryPoint& cut) {
    PacketRun run = take(cut.at, true);
    if (cut.leading == 0) return run;
    run.segment->left_out.push_back(waiting_.front().packet->pts);
    run.segment->leading = led_by_ = cut.leading;
    for (std::size_t i = 0; i <= cut.leading; ++i) {
        // A decoder that begins at the keyframe leaves out by itself those that lean back.
        const EntryPoints::Look& look = waiting_[i].look;
        if (look.leads && !look.leans_back) left_out_.push_back(waiting_[i].packet->pts);
        PacketPtr again(av_packet_clone(waiting_[i].packet.get()));
        if (!again) throw std::bad_alloc();
        add(*run.segment, waiting_[i], std::move(again));
    }
    return run;
}

}  // namespace convoy::media
