// SPDX-License-Identifier: MIT
#include "tools/media/out/recording_copy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <utility>

#include "tools/media/av_compat.h"
#include "tools/media/byte_stream.h"
#include "tools/media/files.h"

namespace convoy::media {

namespace {

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::min();

/// How much earlier than shown a picture may have to be decoded.
std::int64_t delay_of(const AVStream& stream) {
    const AVRational rate = stream.avg_frame_rate;
    return rate.num > 0 ? stream.codecpar->video_delay * av_rescale_q(1, av_inv_q(rate), stream.time_base) : 0;
}

/// avformat_query_codec() alone knows less than Matroska's muxer does.
bool has_place(const AVOutputFormat& format, AVCodecID codec) {
    unsigned tag = 0;
    return avformat_query_codec(&format, codec, FF_COMPLIANCE_NORMAL) == 1 ||
           (format.codec_tag && av_codec_get_tag2(format.codec_tag, codec, &tag));
}

}  // namespace

bool can_be_copied(const std::string& recording) { return !is_url(recording) && !is_stream(recording); }

RecordingCopy::RecordingCopy(std::string recording, Tracks which, int video)
    : recording_(std::move(recording)), which_(which), packet_(av_packet_alloc()) {
    if (!packet_) throw std::bad_alloc();
    AVFormatContext* raw = nullptr;
    const auto check = [&](int code) {
        if (code < 0) throw_input(recording_, "cannot be read a second time to be copied (" + av_message(code) + ")");
    };
    check(avformat_open_input(&raw, ("file:" + recording_).c_str(), nullptr, nullptr));
    input_.reset(raw);
    check(avformat_find_stream_info(raw, nullptr));
    video_ = video >= 0 && video < int(raw->nb_streams)
                 ? video
                 : av_find_best_stream(raw, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
}

void RecordingCopy::add_tracks(AVFormatContext& output) {
    tracks_.assign(input_->nb_streams, -1);
    last_dts_.assign(input_->nb_streams, kNone);
    for (unsigned i = 0; i < input_->nb_streams; ++i) {
        AVStream& from = *input_->streams[i];
        from.discard = AVDISCARD_ALL;
        if (which_ == Tracks::sound && from.codecpar->codec_type != AVMEDIA_TYPE_AUDIO) continue;
        if (from.codecpar->codec_type == AVMEDIA_TYPE_VIDEO && int(i) != video_ &&
            !(from.disposition & AV_DISPOSITION_ATTACHED_PIC))
            continue;
        if (!has_place(*output.oformat, from.codecpar->codec_id)) continue;
        AVStream* to = avformat_new_stream(&output, nullptr);
        if (!to || avcodec_parameters_copy(to->codecpar, from.codecpar) < 0) throw std::bad_alloc();
        from.discard = AVDISCARD_DEFAULT;
        to->codecpar->codec_tag = 0;  // of the other container
        to->time_base = from.time_base;
        to->avg_frame_rate = from.avg_frame_rate;
        to->sample_aspect_ratio = from.sample_aspect_ratio;
        to->disposition = from.disposition;
        av_dict_copy(&to->metadata, from.metadata, 0);
        copy_side_data(from, *to);
        tracks_[i] = to->index;
    }
}

/// The next packet of a track that is copied.
bool RecordingCopy::next() {
    while (!packet_->buf) {
        if (av_read_frame(input_.get(), packet_.get()) < 0) return false;
        const auto stream = std::size_t(packet_->stream_index);
        if (stream >= tracks_.size() || tracks_[stream] < 0) av_packet_unref(packet_.get());
    }
    return true;
}

int RecordingCopy::write_until(double end_s, double earlier_s, AVFormatContext& output) {
    while (next()) {
        AVPacket& packet = *packet_;
        const int stream = packet.stream_index;
        const AVRational base = input_->streams[stream]->time_base;
        if (packet.pts == AV_NOPTS_VALUE && stream == video_)
            throw Error(ErrorKind::unsupported,
                        "'" + recording_ +
                            "' has no time stamps that could be copied; name an .ass, which has the boxes alone");
        std::int64_t& last = last_dts_[std::size_t(stream)];
        if (packet.pts == AV_NOPTS_VALUE) packet.pts = packet.dts;
        if (packet.dts == AV_NOPTS_VALUE && packet.pts != AV_NOPTS_VALUE)  // as of an .mkv's first pictures
            packet.dts = last != kNone
                             ? std::min(last, packet.pts)
                             : packet.pts - std::clamp<std::int64_t>(packet.pts, 0, delay_of(*input_->streams[stream]));
        if (packet.pts != AV_NOPTS_VALUE && double(packet.dts) * av_q2d(base) >= end_s) return 0;
        const std::int64_t earlier = std::llround(earlier_s / av_q2d(base));
        if (packet.pts == AV_NOPTS_VALUE || (which_ == Tracks::sound && (packet.dts < earlier || packet.dts <= last))) {
            av_packet_unref(&packet);
            continue;
        }
        if (packet.dts < last)
            throw Error(ErrorKind::unsupported,
                        "'" + recording_ +
                            "' has time stamps that step back, which an .mkv cannot have; name an .ass, which has the "
                            "boxes alone, or take --video");
        last = packet.dts;
        packet.pts -= earlier;
        packet.dts -= earlier;
        packet.stream_index = tracks_[std::size_t(stream)];
        packet.pos = -1;
        av_packet_rescale_ts(&packet, base, output.streams[packet.stream_index]->time_base);
        if (const int code = av_interleaved_write_frame(&output, &packet); code < 0) return code;
    }
    return 0;
}

}  // namespace convoy::media
