// SPDX-License-Identifier: MIT
#include "tests/tools/turn_video.h"

#include <cstdint>
#include <stdexcept>

#include "tools/media/av_handles.h"

extern "C" {
#include <libavutil/display.h>
}

namespace convoy::test {
namespace {

void check(int code, const std::string& path) {
    if (code < 0) throw std::runtime_error(path + ": " + media::av_message(code));
}

/// Room for the matrix: where a muxer looks for it differs between FFmpeg 5.1 and 6.1.
std::int32_t* new_display_matrix(AVStream* stream) {
    constexpr std::size_t kBytes = 9 * sizeof(std::int32_t);
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
    AVCodecParameters* p = stream->codecpar;
    AVPacketSideData* data =
        av_packet_side_data_new(&p->coded_side_data, &p->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX, kBytes, 0);
    std::uint8_t* bytes = data ? data->data : nullptr;
#else
    std::uint8_t* bytes = av_stream_new_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, kBytes);
#endif
    if (!bytes) throw std::bad_alloc();
    return reinterpret_cast<std::int32_t*>(bytes);
}

}  // namespace

void turn_video(const std::string& from, const std::string& to, int degrees) {
    AVFormatContext *in = nullptr, *out = nullptr;
    check(avformat_open_input(&in, from.c_str(), nullptr, nullptr), from);
    const media::DemuxerPtr demuxer(in);
    check(avformat_find_stream_info(in, nullptr), from);
    const int video = av_find_best_stream(in, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
    check(video, from);

    check(avformat_alloc_output_context2(&out, nullptr, nullptr, to.c_str()), to);
    const media::MuxerPtr muxer(out);
    AVStream* stream = avformat_new_stream(out, nullptr);
    if (!stream) throw std::bad_alloc();
    check(avcodec_parameters_copy(stream->codecpar, in->streams[video]->codecpar), to);
    stream->codecpar->codec_tag = 0;
    stream->time_base = in->streams[video]->time_base;
    stream->avg_frame_rate = in->streams[video]->avg_frame_rate;
    av_display_rotation_set(new_display_matrix(stream), degrees);
    check(avio_open(&out->pb, to.c_str(), AVIO_FLAG_WRITE), to);
    check(avformat_write_header(out, nullptr), to);

    const media::PacketPtr packet(av_packet_alloc());
    while (av_read_frame(in, packet.get()) >= 0) {
        if (packet->stream_index == video) {
            av_packet_rescale_ts(packet.get(), in->streams[video]->time_base, stream->time_base);
            packet->stream_index = 0;
            packet->pos = -1;
            check(av_interleaved_write_frame(out, packet.get()), to);
        }
        av_packet_unref(packet.get());
    }
    check(av_write_trailer(out), to);
}

}  // namespace convoy::test
