// SPDX-License-Identifier: MIT
//
// Cuts a stream of packets into pieces that can be decoded alone. Where it cuts depends on the packets only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "tools/media/in/entry_points.h"
#include "tools/media/in/packet_segment.h"

namespace convoy::media {

/// A closed segment has at least as many packets (or bytes, whatever comes first), so that what each costs beside
/// decoding weighs little; the last of an input may have less.
constexpr std::size_t kEnoughPackets = 48, kEnoughBytes = 16 << 20;
/// What grows beyond this without an entry point is handed out instead, so that memory stays bounded.
constexpr std::size_t kMostPackets = 600, kMostBytes = 64 << 20;

/// Packets, and where they stand between two cuts.
struct PacketRun {
    std::shared_ptr<PacketSegment> segment;
    bool begins = false, ends = false;  ///< at a cut or the stream's begin; at a cut or the stream's end
    bool closed() const { return begins && ends; }
};

/// Runs that are not closed follow each other until one ends: their packets must be decoded in one go. They come as
/// soon as they are read, and may be empty.
class Segmenter {
public:
    /// `read` fills a packet, or returns false at the stream's end.
    Segmenter(VideoStreamPtr stream, std::function<bool(AVPacket&)> read);
    /// The next run, or nothing at the stream's end.
    std::optional<PacketRun> next();

    bool can_cut() const { return entries_.any(); }
    std::int64_t packets() const { return packets_; }
    /// In runs that are not closed.
    std::int64_t uncut_packets() const { return uncut_packets_; }
    std::int64_t entry_points() const { return entry_points_; }

private:
    struct Waiting {
        PacketPtr packet;
        EntryPoints::Look look;
        std::shared_ptr<const DecoderHeaders> headers;
    };

    struct EntryPoint {
        std::size_t at = 0;       // index into waiting_
        std::size_t leading = 0;  // so many packets behind it are shown before it
        bool may_be_led = false;
    };

    bool read();
    void weigh(const Waiting& packet);
    bool fits(const Waiting& packet);
    bool begins_inside_gop() const;
    void confirm_candidate();
    std::optional<EntryPoint> next_cut();
    std::size_t sure() const;
    bool too_much() const;
    PacketRun take(std::size_t count, bool ends);
    PacketRun take_to(const EntryPoint& cut);
    bool is_last(const EntryPoint& cut) const;
    void add(PacketSegment& segment, const Waiting& from, PacketPtr packet) const;

    VideoStreamPtr stream_;
    std::function<bool(AVPacket&)> read_;
    EntryPoints entries_;
    std::deque<Waiting> waiting_;
    std::deque<EntryPoint> cuts_;          // confirmed
    std::optional<EntryPoint> candidate_;  // in order, as far as is known
    std::deque<std::int64_t> handed_out_;  // times of the last packets of the run that goes on
    std::vector<std::int64_t> left_out_;   // of the run that begins
    std::size_t led_by_ = 0;               // the same
    std::size_t waiting_bytes_ = 0;
    bool handing_out_ = false, ended_ = false, first_cut_seen_ = false;
    std::int64_t packets_ = 0, uncut_packets_ = 0, entry_points_ = 0;
};

}  // namespace convoy::media
