// SPDX-License-Identifier: MIT
#include "tools/media/segmenter.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace convoy::media {
namespace {

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
        if (std::size_t at = 0; next_cut(at)) return take(at, true);
        if (ended_) {
            if (waiting_.empty() && !handing_out_) return std::nullopt;
            return take(waiting_.size(), true);
        }
        if (!handing_out_ && !waiting_.empty() && (!can_cut() || too_much())) {
            if (candidate_ == 0u) candidate_.reset();
            return take(candidate_.value_or(waiting_.size()), false);
        }
        if (handing_out_) {
            if (candidate_ && too_much()) candidate_.reset();
            if (const std::size_t sure = candidate_.value_or(waiting_.size()); sure > 0) return take(sure, false);
        }
        if (!read()) {
            confirm_candidate();
            ended_ = true;
        }
    }
}

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
    if (entry != Entry::none || packet.flags & AV_PKT_FLAG_KEY) confirm_candidate();
    if (candidate_) {
        const std::int64_t from = waiting_[*candidate_].packet->pts, pts = packet.pts;
        if (pts == AV_NOPTS_VALUE || pts < from || next.look.leans_back) candidate_.reset();
    }
    if (entry == Entry::none) return;
    ++entry_points_;
    if (entry == Entry::always) cuts_.push_back(waiting_.size());
    if (entry == Entry::in_order && packet.pts != AV_NOPTS_VALUE) candidate_ = waiting_.size();
}

void Segmenter::confirm_candidate() {
    if (candidate_) cuts_.push_back(*candidate_);
    candidate_.reset();
}

/// The first confirmed cut behind which there is enough, taken from the list.
bool Segmenter::next_cut(std::size_t& at) {
    while (!cuts_.empty()) {
        at = cuts_.front();
        cuts_.pop_front();
        std::size_t bytes = 0;
        for (std::size_t i = 0; i < at && bytes < kEnoughBytes; ++i) bytes += std::size_t(waiting_[i].packet->size);
        if (handing_out_ || at >= kEnoughPackets || bytes >= kEnoughBytes) return true;
    }
    return false;
}

/// The first `count` waiting packets as a run that goes on, or ends behind them.
PacketRun Segmenter::take(std::size_t count, bool ends) {
    PacketRun run{std::make_shared<PacketSegment>(), !handing_out_, ends};
    PacketSegment& s = *run.segment;
    s.stream = stream_;
    std::size_t entry = 0;  // time stamps may begin anew there
    for (std::size_t i = 0; i < count; ++i) {
        Waiting& w = waiting_.front();
        if (i == 0) s.headers = w.headers;
        s.headers_change |= w.headers != s.headers;
        s.has_corrupt |= (w.packet->flags & AV_PKT_FLAG_CORRUPT) != 0;
        s.size += std::size_t(w.packet->size);
        waiting_bytes_ -= std::size_t(w.packet->size);
        if (w.look.entry == Entry::always) entry = i;
        s.packets.push_back(std::move(w.packet));
        if (stream_->codec() == AV_CODEC_ID_H264)
            s.reorder_depth = std::max(s.reorder_depth, shown_after(s.packets, entry, i));
        waiting_.pop_front();
    }
    if (run.begins && !s.packets.empty() && !s.headers->in_band.empty())
        s.packets[0] = prepended(s.headers->in_band, *s.packets[0]);
    if (!run.closed()) uncut_packets_ += std::int64_t(count);
    for (std::size_t& cut : cuts_) cut -= count;
    if (candidate_) *candidate_ -= count;
    handing_out_ = !ends;
    return run;
}

}  // namespace convoy::media
