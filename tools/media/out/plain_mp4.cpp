// SPDX-License-Identifier: MIT
#include "tools/media/out/plain_mp4.h"

#include <algorithm>
#include <limits>
#include <new>

#include "tools/media/av_handles.h"
#include "tools/media/files.h"

namespace convoy::media {
namespace {

/// What the index has of a packet at most: size 4, duration 8, offset of showing 8, keyframe 4, and of a chunk of one
/// packet its place 8 and its row 12. Beside that it has descriptions.
constexpr std::int64_t kIndexBytesPerPacket = 44, kDescriptionBytes = 4096;
/// FFmpeg leaves out all times of showing of a file in which a picture waits for so many ticks, as over a pause of 50
/// minutes. With the coarser tick it may be hours.
constexpr std::int64_t kLongestWait = 1 << 28;
constexpr AVRational kCoarseTick{1, 11250};

void check(int code, const std::string& path) {
    if (code < 0) throw_output(path, av_message(code));
}

std::int64_t index_bytes(const AVFormatContext& file, std::int64_t packets) {
    std::int64_t bytes = packets * kIndexBytesPerPacket + kDescriptionBytes;
    for (unsigned i = 0; i < file.nb_streams; ++i)
        bytes += kDescriptionBytes + file.streams[i]->codecpar->extradata_size;
    return bytes;
}

bool is_video(const AVStream& stream) { return stream.codecpar->codec_type == AVMEDIA_TYPE_VIDEO; }

DemuxerPtr open_fragments(const std::string& path, const std::string& name) {
    AVFormatContext* raw = nullptr;
    check(avformat_open_input(&raw, ("file:" + path).c_str(), av_find_input_format("mov"), nullptr), name);
    DemuxerPtr source(raw);
    check(avformat_find_stream_info(raw, nullptr), name);
    return source;
}

void add_tracks(const AVFormatContext& source, AVFormatContext& output, bool coarse) {
    for (unsigned i = 0; i < source.nb_streams; ++i) {
        const AVStream& from = *source.streams[i];
        AVStream* to = avformat_new_stream(&output, nullptr);
        if (!to || avcodec_parameters_copy(to->codecpar, from.codecpar) < 0) throw std::bad_alloc();
        to->time_base = coarse && is_video(from) ? kCoarseTick : from.time_base;
        to->sample_aspect_ratio = from.sample_aspect_ratio;
        to->disposition = from.disposition;
        av_dict_copy(&to->metadata, from.metadata, 0);
    }
}

}  // namespace

bool is_mp4(const AVOutputFormat* container) {
    return container->name == std::string("mp4") || container->name == std::string("mov");
}

void copy_as_plain_mp4(const std::string& fragments, const std::string& to, const std::string& name,
                       const AVOutputFormat& container, std::int64_t packets, AVRational frame_s, std::int64_t wait) {
    const bool coarse = wait >= kLongestWait;
    const DemuxerPtr source = open_fragments(fragments, name);
    const std::string location = "file:" + to;
    AVFormatContext* raw = nullptr;
    check(avformat_alloc_output_context2(&raw, &container, nullptr, location.c_str()), name);
    const MuxerPtr muxer(raw);
    add_tracks(*source, *raw, coarse);
    check(avio_open(&raw->pb, location.c_str(), AVIO_FLAG_WRITE), name);
    AVDictionary* options = nullptr;
    av_dict_set_int(&options, "moov_size", index_bytes(*source, packets), 0);
    const int begun = avformat_write_header(raw, &options);
    av_dict_free(&options);
    check(begun, name);
    const PacketPtr packet(av_packet_alloc());
    if (!packet) throw std::bad_alloc();
    std::int64_t last_dts = std::numeric_limits<std::int64_t>::min();
    int code = 0;
    while ((code = av_read_frame(source.get(), packet.get())) >= 0) {
        const AVStream& from = *source->streams[packet->stream_index];
        if (is_video(from))
            packet->duration = av_rescale_q(1, frame_s, from.time_base);  // a fragment's last one did not know its own
        packet->pos = -1;
        av_packet_rescale_ts(packet.get(), from.time_base, raw->streams[packet->stream_index]->time_base);
        if (coarse && is_video(from)) {
            packet->dts = last_dts = std::max(packet->dts, last_dts + 1);
            packet->pts = std::max(packet->pts, packet->dts);
        }
        check(av_interleaved_write_frame(raw, packet.get()), name);
    }
    check(source->pb->error, name);
    if (code != AVERROR_EOF) check(code, name);
    check(av_write_trailer(raw), name);
    check(raw->pb->error, name);
    check(avio_closep(&raw->pb), name);
}

}  // namespace convoy::media
