// SPDX-License-Identifier: MIT
//
// Any bytes as a stream of packets. Bytes: codec, size and bytes of the extradata, then packets: size (2 bytes), flags,
// how the time stamp moves, how often it comes, bytes.
#pragma once

#include <iterator>
#include <memory>

#include "tests/fuzz/input.h"
#include "tools/media/in/video_stream.h"

namespace convoy::fuzz {

/// The stream that the first bytes describe.
inline media::VideoStreamPtr take_stream(Bytes& bytes) {
    static constexpr AVCodecID kCodecs[] = {AV_CODEC_ID_H264, AV_CODEC_ID_HEVC,  AV_CODEC_ID_VP8,    AV_CODEC_ID_VP9,
                                            AV_CODEC_ID_AV1,  AV_CODEC_ID_MJPEG, AV_CODEC_ID_PRORES, AV_CODEC_ID_MPEG4};
    auto stream = std::make_shared<media::VideoStream>();
    stream->parameters.reset(avcodec_parameters_alloc());
    AVCodecParameters& p = *stream->parameters;
    const unsigned kind = bytes.number();
    p.codec_type = AVMEDIA_TYPE_VIDEO;
    p.codec_id = kCodecs[kind % std::size(kCodecs)];
    p.video_delay = kind >> 7;
    stream->time_base = {1, 25};
    const auto extradata = bytes.take(bytes.number());
    p.extradata = static_cast<std::uint8_t*>(av_mallocz(extradata.size() + AV_INPUT_BUFFER_PADDING_SIZE));
    p.extradata_size = int(extradata.size());
    std::copy(extradata.begin(), extradata.end(), p.extradata);
    return stream;
}

/// The packets that the rest describes.
class PacketBytes {
public:
    explicit PacketBytes(Bytes bytes) : bytes_(bytes) {}
    bool read(AVPacket& packet) {
        if (repeats_ == 0) {
            if (bytes_.empty()) return false;
            const std::size_t high = bytes_.number(), low = bytes_.number();
            flags_ = bytes_.number();
            step_ = std::int8_t(bytes_.number());
            repeats_ = 1 + bytes_.number() % 64;
            body_ = bytes_.take(high << 8 | low);
        }
        --repeats_;
        if (av_new_packet(&packet, int(body_.size())) < 0) std::abort();
        std::copy(body_.begin(), body_.end(), packet.data);
        packet.dts = ++count_;
        packet.pts = flags_ & 4 ? AV_NOPTS_VALUE : count_ + step_;
        packet.flags = (flags_ & 1 ? AV_PKT_FLAG_KEY : 0) | (flags_ & 2 ? AV_PKT_FLAG_CORRUPT : 0);
        const auto attach = [&](AVPacketSideDataType type) {
            std::uint8_t* data = av_packet_new_side_data(&packet, type, body_.size());
            if (!data) std::abort();
            std::copy(body_.begin(), body_.end(), data);
        };
        if (flags_ & 8) attach(AV_PKT_DATA_NEW_EXTRADATA);
        if ((flags_ & 0x70) == 0x70) attach(AV_PKT_DATA_PALETTE);
        return true;
    }
    std::int64_t count() const { return count_; }

private:
    Bytes bytes_;
    std::span<const std::uint8_t> body_;
    unsigned flags_ = 0, repeats_ = 0;
    int step_ = 0;
    std::int64_t count_ = 0;
};

}  // namespace convoy::fuzz
