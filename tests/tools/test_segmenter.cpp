// SPDX-License-Identifier: MIT
//
// Cutting packets that are made up, and streams whose headers come once or change.
#include "tools/media/in/segmenter.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tests/support/catch.h"
#include "tests/tools/media_files.h"
#include "tests/tools/segment_frames.h"
#include "tools/media/in/demuxer.h"
#include "tools/media/in/frame_maker.h"
#include "tools/media/in/frame_numbers.h"
#include "tools/media/in/nal_units.h"
#include "tools/media/in/video_reader.h"

using namespace convoy;
using namespace convoy::test;
using namespace convoy::media;

namespace {

using Units = std::vector<Bytes>;

Units units_of(const Bytes& bytes, int length_size) {
    Units units;
    NalUnits walk(bytes, length_size);
    for (ByteSpan unit = walk.next(); !unit.empty(); unit = walk.next()) units.emplace_back(unit.begin(), unit.end());
    return units;
}

struct MadeUp {
    Bytes bytes;
    std::int64_t pts = AV_NOPTS_VALUE;
    bool key = false;
};

VideoStreamPtr stream_of(AVCodecID codec) {
    auto stream = std::make_shared<VideoStream>();
    stream->path = "made-up";
    stream->parameters.reset(avcodec_parameters_alloc());
    stream->parameters->codec_type = AVMEDIA_TYPE_VIDEO;
    stream->parameters->codec_id = codec;
    stream->time_base = {1, 25};
    return stream;
}

/// Numbers of packets in each run; negative for those that do not end at a cut.
std::vector<int> runs_of(AVCodecID codec, const std::vector<MadeUp>& packets) {
    std::size_t at = 0;
    Segmenter segmenter(stream_of(codec), [&](AVPacket& packet) {
        if (at == packets.size()) return false;
        const MadeUp& from = packets[at++];
        REQUIRE(av_new_packet(&packet, int(from.bytes.size())) >= 0);
        std::copy(from.bytes.begin(), from.bytes.end(), packet.data);
        packet.pts = packet.dts = from.pts;
        packet.flags = from.key ? AV_PKT_FLAG_KEY : 0;
        return true;
    });
    std::vector<int> runs;
    int open = 0;
    while (const auto run = segmenter.next()) {
        open += int(run->segment->packets.size());
        if (!run->ends) continue;
        runs.push_back(run->begins ? open : -open);
        open = 0;
    }
    return runs;
}

/// A GOP of one keyframe with `head`, then others with `tail`, in order.
void add_gop(std::vector<MadeUp>& packets, const Bytes& head, const Bytes& tail, int count) {
    for (int i = 0; i < count; ++i) packets.push_back({i == 0 ? head : tail, std::int64_t(packets.size()), i == 0});
}

const Bytes kIdr = {0, 0, 0, 1, 0x65, 0x88, 0x84}, kSlice = {0, 0, 1, 0x41, 0x9a, 0x20},
            kRecovery = {0, 0, 1, 0x61, 0x88, 0x84};
Bytes hevc_slice(int type, std::uint8_t flags = 0x80) {
    return {0, 0, 1, std::uint8_t(type << 1), 1, flags, 0x50, 0x60};
}

}  // namespace

TEST_CASE("NAL units are found behind start codes and lengths", "[segmenter]") {
    CHECK(units_of({}, 0).empty());
    CHECK(units_of({1, 2, 3}, 0).empty());
    CHECK(units_of({0, 0, 1}, 0).empty());
    CHECK(units_of({9, 0, 0, 1, 7, 0, 0, 0, 1, 8, 8, 0, 0, 1}, 0) == Units{{7, 0}, {8, 8}});
    CHECK(units_of({0, 0, 1, 0, 0, 1, 5, 1, 1}, 0) == Units{{5, 1, 1}});
    CHECK(units_of({0, 0, 0, 2, 7, 7, 0, 0, 0, 0, 0, 0, 0, 9, 8}, 4) == Units{{7, 7}, {8}});  // the last is cut short
    CHECK(units_of({0, 1, 5, 0}, 2) == Units{{5}});
    CHECK(units_of({2, 5, 6, 255}, 1) == Units{{5, 6}});
}

TEST_CASE("bits are read without the bytes that prevent start codes", "[segmenter]") {
    const Bytes unit = {0xff, 0x00, 0x00, 0x03, 0x01, 0x00, 0x00, 0x03, 0x80};
    NalBits bits(unit, 1);
    CHECK(bits.bits(24) == 1);
    CHECK(bits.bits(17) == 1);
    CHECK_FALSE(bits.past_end());
    CHECK(bits.bits(8) == 0);
    CHECK(bits.past_end());
    const Bytes codes = {0b10100110, 0b01000010, 0b10000000};  // 1 010 011 00100 00101 0…
    NalBits golomb(codes, 0);
    for (unsigned value = 0; value < 5; ++value) CHECK(golomb.golomb() == value);
    CHECK(NalBits({}, 0).golomb() == UINT32_MAX);
}

TEST_CASE("H.264's frame numbers tell where frames are missing", "[segmenter]") {
    // Sequence set 0 of the Baseline profile with frame numbers of 4 bits; picture set 0, which refers to it.
    const Bytes sequence = {0x67, 66, 0, 30, 0b11111111}, picture = {0x68, 0b11111111, 0x80};
    const auto slice = [](int type, unsigned number) {
        return Bytes{std::uint8_t(type), std::uint8_t(0b11100001 | number << 1), 0x80};
    };
    constexpr int kIdrSlice = 0x65, kReference = 0x41, kOther = 0x01;
    FrameNumbers numbers;
    CHECK_FALSE(numbers.see(slice(kReference, 3)));
    CHECK_FALSE(numbers.see(slice(kReference, 9)));  // nothing is known without the sets
    numbers.see(sequence);
    numbers.see(picture);
    CHECK_FALSE(numbers.see(slice(kReference, 9)));
    CHECK_FALSE(numbers.see(slice(kIdrSlice, 0)));
    CHECK_FALSE(numbers.see(slice(kReference, 1)));
    for (int i = 0; i < 2; ++i) CHECK_FALSE(numbers.see(slice(kOther, 2)));
    CHECK_FALSE(numbers.see(slice(kReference, 2)));
    CHECK_FALSE(numbers.see(slice(kReference, 2)));  // another slice of it
    CHECK(numbers.see(slice(kOther, 4)));
    for (unsigned i = 3; i < 20; ++i) CHECK_FALSE(numbers.see(slice(kReference, i % 16)));
    CHECK(numbers.see(slice(kReference, 6)));
    CHECK_FALSE(numbers.see(slice(kReference, 6)));
    CHECK_FALSE(numbers.see(slice(kIdrSlice, 0)));
    CHECK_FALSE(numbers.see(Bytes{0x41}));
}

TEST_CASE("cuts are made where a codec's rules allow", "[segmenter]") {
    std::vector<MadeUp> packets;
    const auto runs = [&](AVCodecID codec) { return runs_of(codec, std::exchange(packets, {})); };
    for (int i = 0; i < 4; ++i) add_gop(packets, kIdr, kSlice, 30);
    CHECK(runs(AV_CODEC_ID_H264) == std::vector<int>{60, 60});
    for (int i = 0; i < 4; ++i) add_gop(packets, i ? kRecovery : kIdr, kSlice, 60);
    CHECK(runs(AV_CODEC_ID_H264) == std::vector<int>{240});  // a recovery point is none
    for (int i = 0; i < 2; ++i) add_gop(packets, kIdr, kSlice, 60);
    packets[60].bytes[5] = 0x40;  // its first slice is lost
    CHECK(runs(AV_CODEC_ID_H264) == std::vector<int>{120});
    for (int i = 0; i < 40; ++i) add_gop(packets, i % 20 ? kRecovery : kIdr, kSlice, 50);
    CHECK(runs(AV_CODEC_ID_H264) == std::vector<int>{-1000, -1000});
    packets.push_back({{}, 0, true});  // empty packets are no reason to fall
    CHECK(runs(AV_CODEC_ID_H264) == std::vector<int>{1});
    CHECK(runs(AV_CODEC_ID_H264).empty());
    for (int i = 0; i < 3; ++i) add_gop(packets, kIdr, kSlice, 60);
    CHECK(runs(AV_CODEC_ID_MPEG4) == std::vector<int>{-180});
}

TEST_CASE("HEVC is cut at IDR, BLA and CRA pictures", "[segmenter]") {
    constexpr int kTrail = 1, kRadl = 7, kRasl = 9, kBla = 16, kIdrRadl = 19, kIdr = 20, kCra = 21, kEnd = 36;
    std::vector<MadeUp> packets;
    const auto runs = [&] { return runs_of(AV_CODEC_ID_HEVC, std::exchange(packets, {})); };
    for (const int type : {kIdr, kIdrRadl, kBla, kCra}) add_gop(packets, hevc_slice(type), hevc_slice(kTrail), 50);
    CHECK(runs() == std::vector<int>{50, 50, 50, 50});
    for (const int type : {kIdr, kIdrRadl, kBla, kCra}) {  // the picture after it is shown before it
        add_gop(packets, hevc_slice(type), hevc_slice(kTrail), 50);
        std::swap(packets[packets.size() - 50].pts, packets[packets.size() - 49].pts);
        packets[packets.size() - 49].bytes = hevc_slice(kRadl);
    }
    CHECK(runs() == std::vector<int>{50, 100 + 2, 50});  // what leads a CRA picture is decoded before the cut, too
    const auto add_led = [&](int leading, int gops) {
        for (int i = 0; i < gops; ++i) {
            const auto from = std::int64_t(packets.size());
            add_gop(packets, hevc_slice(kCra), hevc_slice(kTrail), 50);
            for (int n = 0; i > 0 && n < leading; ++n) {
                MadeUp& packet = packets[std::size_t(from + 1 + n)];
                packet.bytes = hevc_slice(kRasl);
                packet.pts = from + n;
            }
            packets[std::size_t(from)].pts = from + (i > 0 ? leading : 0);
        }
    };
    add_led(3, 3);
    CHECK(runs() == std::vector<int>{50 + 4, 50 + 4, 50});
    add_led(3, 3);
    for (MadeUp& packet : packets) packet.key = true;  // so some containers say
    CHECK(runs() == std::vector<int>{50 + 4, 50 + 4, 50});
    for (int i = 0; i < 2; ++i) add_gop(packets, hevc_slice(kCra), hevc_slice(kTrail), 400);
    CHECK(runs() == std::vector<int>{400, 400});  // known to be in order long before the next keyframe
    add_led(3, 2);
    packets[54].bytes = hevc_slice(kRasl);  // one among those that do not lead
    CHECK(runs() == std::vector<int>{100});
    add_led(3, 2);
    packets[20].pts = 1000;  // shown after the keyframe
    CHECK(runs() == std::vector<int>{100});
    add_led(3, 2);
    packets.erase(packets.begin(), packets.begin() + 50);  // the stream begins with a keyframe and what leads it
    CHECK(runs() == std::vector<int>{50});
    add_gop(packets, hevc_slice(kIdr), hevc_slice(kTrail), 1);
    for (int i = 0; i < 700; ++i) packets.push_back({hevc_slice(kTrail), std::int64_t(packets.size()), false});
    for (MadeUp packet : {MadeUp{hevc_slice(kCra), 704, true}, MadeUp{hevc_slice(kRasl), 702, false}})
        packets.push_back(packet);
    for (int i = 0; i < 100; ++i) packets.push_back({hevc_slice(kTrail), 705 + i, false});
    CHECK(runs() == std::vector<int>{-703, 100 + 1 + 1});  // handed out up to that keyframe, which ends it, too
    for (int i = 0; i < 2; ++i) add_gop(packets, hevc_slice(kIdr, i ? 0xc0 : 0x80), hevc_slice(kTrail), 50);
    CHECK(runs() == std::vector<int>{100});  // no_output_of_prior_pics_flag
    for (int i = 0; i < 2; ++i) add_gop(packets, hevc_slice(kCra), hevc_slice(kTrail), 50);
    const Bytes end = hevc_slice(kEnd);
    packets[49].bytes.insert(packets[49].bytes.end(), end.begin(), end.end());
    CHECK(runs() == std::vector<int>{100});
    for (int i = 0; i < 2; ++i) add_gop(packets, hevc_slice(kCra), hevc_slice(kTrail), 50);
    packets[70].pts = AV_NOPTS_VALUE;
    CHECK(runs() == std::vector<int>{100});
}

TEST_CASE("key frames of VP8, VP9 and AV1 are looked at", "[segmenter]") {
    const auto runs = [](AVCodecID codec, const Bytes& key, const Bytes& other) {
        std::vector<MadeUp> packets;
        for (int i = 0; i < 2; ++i) add_gop(packets, key, other, 50);
        return runs_of(codec, packets);
    };
    const std::vector<int> cut = {50, 50}, uncut = {100};
    CHECK(runs(AV_CODEC_ID_VP8, {0x10, 0}, {0x11, 0}) == cut);
    CHECK(runs(AV_CODEC_ID_VP8, {0x00, 0}, {0x11, 0}) == uncut);  // not shown
    CHECK(runs(AV_CODEC_ID_VP9, {0x82, 0x49}, {0x86, 0}) == cut);
    CHECK(runs(AV_CODEC_ID_VP9, {0x86, 0}, {0x86, 0}) == uncut);
    CHECK(runs(AV_CODEC_ID_VP9, {0x88, 0}, {0x86, 0}) == uncut);  // shows an earlier one
    const Bytes delimiter = {0x12, 0}, sequence = {0x0a, 3, 0, 0, 0}, key = {0x32, 2, 0x10, 0},
                inter = {0x32, 2, 0x30, 0};
    const auto unit = [](std::initializer_list<Bytes> parts) {
        Bytes all;
        for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
        return all;
    };
    const Bytes other = unit({delimiter, inter});
    CHECK(runs(AV_CODEC_ID_AV1, unit({delimiter, sequence, key}), other) == cut);
    CHECK(runs(AV_CODEC_ID_AV1, unit({delimiter, key}), other) == uncut);
    CHECK(runs(AV_CODEC_ID_AV1, unit({delimiter, sequence, inter}), other) == uncut);
    CHECK(runs(AV_CODEC_ID_AV1, unit({delimiter, sequence, {0x32, 2, 0x00, 0}}), other) == uncut);  // shown later
    CHECK(runs(AV_CODEC_ID_AV1, unit({delimiter, sequence, {0x32, 0xff, 0xff}}), other) == uncut);
}

TEST_CASE("JPEG pictures that lean on earlier tables are no cuts", "[segmenter]") {
    const Bytes whole = {0xff, 0xd8, 0xff, 0xdb, 0, 2, 0xff, 0xc4, 0, 2, 0xff, 0xda, 0, 2};
    const Bytes bare = {0xff, 0xd8, 0xff, 0xdb, 0, 2, 0xff, 0xda, 0, 2}, empty = {0xff, 0xd8, 0xff, 0xda, 0, 2};
    const auto runs = [](const Bytes& first, const Bytes& rest) {
        std::vector<MadeUp> packets;
        add_gop(packets, first, rest, 100);
        return runs_of(AV_CODEC_ID_MJPEG, packets);
    };
    CHECK(runs(whole, whole) == std::vector<int>{48, 48, 4});
    CHECK(runs(bare, bare) == std::vector<int>{48, 48, 4});  // by JPEG's own tables
    CHECK(runs(whole, bare) == std::vector<int>{100});
    CHECK(runs(empty, empty) == std::vector<int>{100});
}

namespace {

/// Packets of several files as one stream, the way a container with several descriptions of samples gives them.
class Joined {
public:
    Joined(const std::vector<std::string>& paths, bool lose_later_sets) {
        for (std::size_t i = 0; i < paths.size(); ++i) add(paths[i], i, lose_later_sets);
    }
    const VideoStreamPtr& stream() const { return stream_; }
    bool read(AVPacket& packet) {
        if (at_ == packets_.size()) return false;
        REQUIRE(av_packet_ref(&packet, packets_[at_++].get()) >= 0);
        return true;
    }

private:
    void add(const std::string& path, std::size_t index, bool lose_later_sets) {
        Demuxer demuxer(path);
        if (!stream_) stream_ = demuxer.stream();
        const auto extradata = demuxer.stream()->extradata();
        const std::int64_t base = packets_.empty() ? 0 : packets_.back()->dts + 10000;
        for (bool first = true;; first = false) {
            PacketPtr packet(av_packet_alloc());
            if (!demuxer.read(*packet)) break;
            packet->pts += base;
            packet->dts += base;
            if (first && index > 0 && !lose_later_sets) {
                std::uint8_t* data = av_packet_new_side_data(packet.get(), AV_PKT_DATA_NEW_EXTRADATA, extradata.size());
                REQUIRE(data);
                std::copy(extradata.begin(), extradata.end(), data);
            }
            if (lose_later_sets && !first) lose_sets(*packet);
            packets_.push_back(std::move(packet));
        }
    }

    /// H.264's parameter sets become filler data.
    static void lose_sets(AVPacket& packet) {
        REQUIRE(av_packet_make_writable(&packet) >= 0);
        NalUnits units({packet.data, std::size_t(packet.size)}, 0);
        for (ByteSpan unit = units.next(); !unit.empty(); unit = units.next())
            if ((unit[0] & 31) == 7 || (unit[0] & 31) == 8) packet.data[unit.data() - packet.data] = 12;
    }

    VideoStreamPtr stream_;
    std::vector<PacketPtr> packets_;
    std::size_t at_ = 0;
};

void check_joined(const std::vector<std::string>& paths, bool lose_later_sets) {
    Joined whole(paths, lose_later_sets), cut(paths, lose_later_sets);
    std::vector<FrameMark> expected, frames;
    SegmentNotes notes;
    Decoder decoder(whole.stream(), whole.stream()->extradata(), {});
    FrameMaker maker(whole.stream());
    PacketPtr packet(av_packet_alloc());
    const auto feed = [&]() -> const AVPacket* {
        av_packet_unref(packet.get());
        return whole.read(*packet) ? packet.get() : nullptr;
    };
    while (AVFrame* picture = decoder.next(feed, notes)) expected.push_back(mark_of(*maker.make(*picture)));
    CHECK(notes.first_damage == "");

    Segmenter segmenter(cut.stream(), [&](AVPacket& p) { return cut.read(p); });
    std::vector<std::shared_ptr<PacketSegment>> segments;
    while (const auto run = segmenter.next()) {
        REQUIRE(run->closed());
        segments.push_back(run->segment);
    }
    CHECK(segments.size() >= 6);
    for (const bool stay_open : {false, true}) {
        VideoReader reader(cut.stream(), {}, stay_open);
        frames.clear();
        for (auto s = segments.rbegin(); s != segments.rend(); ++s) {
            const std::vector<FrameMark> part = read_segment(reader, *s);
            CHECK(reader.notes().first_damage == "");
            frames.insert(frames.begin(), part.begin(), part.end());
        }
        CHECK(difference(frames, expected) == "");
    }
}

}  // namespace

TEST_CASE("segments carry the headers that came before them", "[segmenter]") {
    const TempFolder folder;
    bool all_made = true;
    const auto make = [&](const std::string& name, const std::string& size, const std::string& codec) {
        all_made &= make_video("-f lavfi -i testsrc2=size=" + size + ":rate=25:duration=6 -pix_fmt yuv420p " + codec,
                               folder / name);
        return folder / name;
    };
    const std::string x264 = "-c:v libx264 -preset veryfast -g 50 ",
                      x265 =
                          "-c:v libx265 -preset ultrafast -g 50 "
                          "-x265-params log-level=none:open-gop=0:keyint=50:min-keyint=50 ";
    const auto check = [&](const std::vector<std::string>& paths, bool lose_later_sets) {
        if (std::exchange(all_made, true)) check_joined(paths, lose_later_sets);
    };
    const std::string a = make("a.mp4", "160x120", x264), b = make("b.mp4", "112x80", x264 + "-refs 2 -bf 1");
    check({a, b, a}, false);
    check({make("c.mp4", "160x120", x265), make("d.mp4", "112x80", x265)}, false);
    // Each file's parameter sets come in its first packet only.
    check({make("a.ts", "160x120", x264), make("b.ts", "112x80", x264 + "-refs 2")}, true);
}
