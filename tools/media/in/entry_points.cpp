// SPDX-License-Identifier: MIT
#include "tools/media/in/entry_points.h"

#include <algorithm>

namespace convoy::media {
namespace {

/// A shown key frame (RFC 6386, 9.1).
bool begins_vp8(ByteSpan frame) { return !frame.empty() && (frame[0] & 1) == 0 && (frame[0] & 0x10); }

/// A shown key frame (VP9 bitstream specification, 6.2 and 7.2).
bool begins_vp9(ByteSpan frame) {
    NalBits bits(frame.first(std::min<std::size_t>(frame.size(), 2)), 0);
    if (bits.bits(2) != 2) return false;
    const unsigned profile = bits.bits(1) | bits.bits(1) << 1;
    if (profile == 3) bits.skip(1);
    const bool existing = bits.bits(1), inter = bits.bits(1), shown = bits.bits(1);
    return !existing && !inter && shown && !bits.past_end();
}

/// A temporal unit that brings its sequence header and begins with a shown key frame (AV1 bitstream specification, 5.3,
/// 5.5.1, 5.9.2 and 7.6.2).
bool begins_av1(ByteSpan unit) {
    constexpr unsigned kSequenceHeader = 1, kFrameHeader = 3, kFrame = 6;
    bool sequence = false, reduced = false;
    while (!unit.empty()) {
        const unsigned type = unit[0] >> 3 & 15;
        const bool extension = unit[0] & 4, sized = unit[0] & 2;
        std::size_t at = extension ? 2 : 1, size = 0;
        for (int shift = 0; sized && shift < 56 && at < unit.size(); shift += 7) {
            size |= std::size_t(unit[at] & 127) << shift;
            if (!(unit[at++] & 128)) break;
        }
        if (at > unit.size()) return false;
        if (!sized) size = unit.size() - at;
        if (size > unit.size() - at) return false;
        const ByteSpan payload = unit.subspan(at, size);
        unit = unit.subspan(at + size);
        if (payload.empty()) continue;
        if (type == kSequenceHeader) {
            sequence = true;
            reduced = payload[0] & 8;  // reduced_still_picture_header
        }
        if (type == kFrame || type == kFrameHeader)  // show_existing_frame 0, frame_type 0, show_frame 1
            return sequence && (reduced || (payload[0] & 0xf0) == 0x10);
    }
    return false;
}

}  // namespace

EntryPoints::Kind EntryPoints::kind_of(AVCodecID codec) {
    switch (codec) {
        case AV_CODEC_ID_H264:
            return Kind::h264;
        case AV_CODEC_ID_HEVC:
            return Kind::hevc;
        case AV_CODEC_ID_VP8:
            return Kind::vp8;
        case AV_CODEC_ID_VP9:
            return Kind::vp9;
        case AV_CODEC_ID_AV1:
            return Kind::av1;
        case AV_CODEC_ID_MJPEG:
            return Kind::jpeg;
        default:
            const AVCodecDescriptor* descriptor = avcodec_descriptor_get(codec);
            return descriptor && descriptor->props & AV_CODEC_PROP_INTRA_ONLY ? Kind::intra : Kind::never;
    }
}

EntryPoints::EntryPoints(const VideoStream& stream)
    : kind_(kind_of(stream.codec())), sets_(stream.codec(), stream.extradata()) {
    see_sets();
}

void EntryPoints::see_sets() {
    if (kind_ == Kind::h264) sets_.each([this](ByteSpan unit) { frame_numbers_.see(unit); });
}

EntryPoints::Look EntryPoints::look(const AVPacket& packet) {
    std::size_t size = 0;
    if (const std::uint8_t* data = av_packet_get_side_data(&packet, AV_PKT_DATA_NEW_EXTRADATA, &size)) {
        sets_.replace({data, size});
        see_sets();
    }
    // A palette holds until the next one comes, which no later packet tells.
    if (av_packet_get_side_data(&packet, AV_PKT_DATA_PALETTE, nullptr)) kind_ = Kind::never;
    const ByteSpan bytes(packet.data, std::size_t(std::max(packet.size, 0)));
    Look look;
    if (kind_ == Kind::h264 || kind_ == Kind::hevc) look = look_at_units(bytes);
    if (kind_ == Kind::vp8 && begins_vp8(bytes)) look.entry = Entry::in_order;
    if (kind_ == Kind::vp9 && begins_vp9(bytes)) look.entry = Entry::in_order;
    if (kind_ == Kind::av1 && begins_av1(bytes)) look.entry = Entry::in_order;
    if (kind_ == Kind::jpeg) look.entry = look_at_jpeg(bytes);
    if (kind_ == Kind::intra && !bytes.empty()) look.entry = Entry::in_order;
    // A keyframe with parts missing is patched up from the pictures before it.
    if (packet.flags & AV_PKT_FLAG_CORRUPT) look.entry = Entry::none;
    return look;
}

EntryPoints::Look EntryPoints::look_at_units(ByteSpan bytes) {
    constexpr int kSlice = 1, kIdrSlice = 5;               // H.264
    constexpr int kEndOfSequence = 36, kEndOfStream = 37;  // HEVC
    Look look;
    bool picture = false, missing = false;
    NalUnits units(bytes, sets_.length_size());
    for (ByteSpan unit = units.next(); !unit.empty(); unit = units.next()) {
        sets_.see(unit);
        if (kind_ == Kind::h264 && frame_numbers_.see(unit)) missing = true;
        const bool hevc = kind_ == Kind::hevc;
        if (unit.size() < (hevc ? 3u : 2u)) {
            if (hevc && unit.size() == 2 && (unit[0] >> 1 == kEndOfSequence || unit[0] >> 1 == kEndOfStream))
                sequence_ended_ = true;
            continue;
        }
        const int type = hevc ? unit[0] >> 1 & 63 : unit[0] & 31;
        if (hevc && (type == kEndOfSequence || type == kEndOfStream)) sequence_ended_ = true;
        const bool slice =
            hevc ? type < 32 && !(unit[0] & 1) && unit[1] >> 3 == 0 : type >= kSlice && type <= kIdrSlice;
        if (!slice || picture) continue;
        picture = true;
        if (hevc)
            look = look_at_hevc_picture(unit, type);
        else if (type == kIdrSlice && NalBits(unit, 1).golomb() == 0)  // its first slice is there
            look.entry = Entry::always;
        sequence_ended_ = false;
    }
    look.frames_missing = missing;
    return look;
}

/// ITU-T H.265, table 7-1 and 7.3.6.1.
EntryPoints::Look EntryPoints::look_at_hevc_picture(ByteSpan unit, int type) const {
    constexpr int kRadlN = 6, kRaslN = 8, kRaslR = 9, kBlaFirst = 16, kBlaLast = 18, kIdrRadl = 19, kIdrLone = 20,
                  kCra = 21;
    Look look;
    look.leads = type >= kRadlN && type <= kRaslR;
    look.leans_back = type == kRaslN || type == kRaslR;
    NalBits bits(unit, 2);
    const bool first = bits.bits(1), drops_prior_pictures = bits.bits(1);
    if (!first || drops_prior_pictures) return look;
    if (type == kIdrRadl || type == kIdrLone) look.entry = Entry::always;
    // Behind an end of sequence, libav drops what a CRA picture finds waiting to be shown.
    if (type >= kBlaFirst && type <= kBlaLast) look.entry = Entry::in_order;
    if (type == kCra && !sequence_ended_) look.entry = Entry::led;
    return look;
}

/// Its tables hold until others come: a picture that leaves out tables which an earlier one had needs that one.
Entry EntryPoints::look_at_jpeg(ByteSpan bytes) {
    constexpr std::uint8_t kHuffman = 0xc4, kQuantization = 0xdb, kScan = 0xda, kImage = 0xd8;
    bool huffman = false, quantization = false;
    for (std::size_t at = 0; at + 4 <= bytes.size() && bytes[at] == 0xff && bytes[at + 1] != kScan;) {
        const std::uint8_t marker = bytes[at + 1];
        huffman |= marker == kHuffman;
        quantization |= marker == kQuantization;
        at += marker == kImage || marker == 0xff ? (marker == kImage ? 2 : 1)
                                                 : 2 + std::size_t(bytes[at + 2] << 8 | bytes[at + 3]);
    }
    jpeg_tables_seen_ |= huffman;
    return quantization && huffman == jpeg_tables_seen_ ? Entry::in_order : Entry::none;
}

}  // namespace convoy::media
