// SPDX-License-Identifier: MIT
#include "tools/media/out/overlay_writer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "tools/media/av_compat.h"
#include "tools/media/byte_stream.h"
#include "tools/media/pictures/orientation.h"

namespace convoy::media {
namespace {

constexpr AVRational kMilliseconds = {1, 1000}, kHundredths = {1, 100};

bool copies_to(const std::string& path) {
    const std::string ending = lower_ending(path);
    if (ending != "mkv" && ending != "ass")
        throw_output(path, "end the name of an overlay in .mkv or .ass", ErrorKind::usage);
    return ending == "mkv";
}

AVRational tick_of(bool copies) { return copies ? kMilliseconds : kHundredths; }

/// When it is shown, or decoded where nothing is said of that; NaN where nothing is said at all.
double time_of(const AVPacket& packet, const AVStream& stream) {
    const std::int64_t stamp = packet.dts != AV_NOPTS_VALUE ? packet.dts : packet.pts;
    return stamp == AV_NOPTS_VALUE ? std::numeric_limits<double>::quiet_NaN()
                                   : double(stamp) * av_q2d(stream.time_base);
}

bool is_turned(const AVStream& stream) { return from_display_matrix(display_matrix(&stream)) != 1; }

}  // namespace

OverlayWriter::OverlayWriter(std::string recording, const std::string& path, const std::string& header)
    : recording_(std::move(recording)), path_(path), copies_(copies_to(path)), file_(path), next_(av_packet_alloc()) {
    if (!next_) throw std::bad_alloc();
    if (file_.is_direct() && is_stream(path))
        throw_output(path, "it is a pipe, and an overlay is written into a file", ErrorKind::unsupported);
    if (!is_url(recording_) && !is_stream(recording_)) open_recording();
    if (copies_ && !input_)
        throw_output(path,
                     "'" + recording_ +
                         "' cannot be read a second time to be copied; name an .ass, which has the boxes "
                         "alone",
                     ErrorKind::unsupported);
    add_tracks(header);
    open_file();
}

void OverlayWriter::check(int code) const {
    if (code < 0) throw_output(path_, av_message(code));
}

void OverlayWriter::open_recording() {
    AVFormatContext* raw = nullptr;
    const auto readable = [&](int code) {
        if (code < 0) throw_input(recording_, "cannot be read a second time to be copied (" + av_message(code) + ")");
    };
    readable(avformat_open_input(&raw, ("file:" + recording_).c_str(), nullptr, nullptr));
    input_.reset(raw);
    readable(avformat_find_stream_info(raw, nullptr));
    video_ = av_find_best_stream(raw, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
    if (video_ < 0) throw_input(recording_, "has no video that could be copied");
    if (raw->start_time != AV_NOPTS_VALUE && !copies_) origin_s_ = double(raw->start_time) / AV_TIME_BASE;
}

void OverlayWriter::add_tracks(const std::string& header) {
    AVFormatContext* raw = nullptr;
    check(avformat_alloc_output_context2(&raw, nullptr, copies_ ? "matroska" : "ass", nullptr));
    output_.reset(raw);
    if (copies_) {
        track_of_.assign(input_->nb_streams, -1);
        av_dict_copy(&raw->metadata, input_->metadata, 0);
        for (unsigned i = 0; i < input_->nb_streams; ++i) {
            const AVStream& from = *input_->streams[i];
            if (avformat_query_codec(raw->oformat, from.codecpar->codec_id, FF_COMPLIANCE_NORMAL) != 1) continue;
            AVStream* to = avformat_new_stream(raw, nullptr);
            if (!to) throw std::bad_alloc();
            check(avcodec_parameters_copy(to->codecpar, from.codecpar));
            to->codecpar->codec_tag = 0;  // of the other container
            to->time_base = from.time_base;
            to->avg_frame_rate = from.avg_frame_rate;
            to->sample_aspect_ratio = from.sample_aspect_ratio;
            to->disposition = from.disposition;
            av_dict_copy(&to->metadata, from.metadata, 0);
            copy_side_data(from, *to);
            track_of_[i] = to->index;
        }
        if (track_of_[std::size_t(video_)] < 0)
            throw_output(path_,
                         std::string("Matroska has no place for ") +
                             avcodec_get_name(input_->streams[video_]->codecpar->codec_id) + " video; name an .ass",
                         ErrorKind::unsupported);
        if (!kMatroskaKeepsRotation && is_turned(*input_->streams[video_]))
            throw_output(path_,
                         "'" + recording_ +
                             "' is shown turned, which this libav cannot say in Matroska; name an .ass, "
                             "which players show over the recording itself",
                         ErrorKind::unsupported);
    }
    subtitles_ = avformat_new_stream(raw, nullptr);
    if (!subtitles_) throw std::bad_alloc();
    subtitles_->time_base = tick_of(copies_);
    subtitles_->disposition = AV_DISPOSITION_DEFAULT;
    av_dict_set(&subtitles_->metadata, "title", "boxes", 0);
    AVCodecParameters& parameters = *subtitles_->codecpar;
    parameters.codec_type = AVMEDIA_TYPE_SUBTITLE;
    parameters.codec_id = AV_CODEC_ID_ASS;
    parameters.extradata = static_cast<std::uint8_t*>(av_mallocz(header.size() + AV_INPUT_BUFFER_PADDING_SIZE));
    if (!parameters.extradata) throw std::bad_alloc();
    std::memcpy(parameters.extradata, header.data(), header.size());
    parameters.extradata_size = int(header.size());
}

void OverlayWriter::open_file() {
    check(avio_open(&output_->pb, ("file:" + file_.temporary()).c_str(), AVIO_FLAG_WRITE));
    check(avformat_write_header(output_.get(), nullptr));
}

void OverlayWriter::write_packet(AVPacket& packet) { check(av_interleaved_write_frame(output_.get(), &packet)); }

void OverlayWriter::copy_until(double end_s) {
    while (input_ && copies_) {
        if (!next_->buf && av_read_frame(input_.get(), next_.get()) < 0) return;
        const AVStream& from = *input_->streams[next_->stream_index];
        const std::size_t index = std::size_t(next_->stream_index);
        const int track = index < track_of_.size() ? track_of_[index] : -1;
        if (track < 0) {
            av_packet_unref(next_.get());
            continue;
        }
        const double time_s = time_of(*next_, from);
        if (std::isnan(time_s) || next_->pts == AV_NOPTS_VALUE)
            throw_output(path_,
                         "'" + recording_ + "' has no time stamps that could be copied; name an .ass, or take --video",
                         ErrorKind::unsupported);
        if (time_s >= end_s) return;
        next_->stream_index = track;
        next_->pos = -1;
        av_packet_rescale_ts(next_.get(), from.time_base, output_->streams[track]->time_base);
        write_packet(*next_);
    }
}

void OverlayWriter::write(const std::vector<std::string>& events, double start_s, double end_s) {
    copy_until(start_s);
    const AVRational tick = tick_of(copies_);
    // Where a player may round the video's time down, an event must not begin later.
    const auto ticks = [&](double time_s) {
        const double at = (time_s - origin_s_) * tick.den;
        return copies_ ? std::llround(at) : std::llround(std::floor(at + 1e-6));
    };
    const std::int64_t start = ticks(start_s), end = std::max<std::int64_t>(ticks(end_s), start + 1);
    for (const std::string& event : events) {
        const PacketPtr packet(av_packet_alloc());
        if (!packet || av_new_packet(packet.get(), int(event.size())) < 0) throw std::bad_alloc();
        std::memcpy(packet->data, event.data(), event.size());
        packet->stream_index = subtitles_->index;
        packet->pts = packet->dts = start;
        packet->duration = end - start;
        packet->flags |= AV_PKT_FLAG_KEY;
        av_packet_rescale_ts(packet.get(), tick, subtitles_->time_base);
        write_packet(*packet);
    }
}

void OverlayWriter::close(double end_s) {
    copy_until(end_s);
    check(av_write_trailer(output_.get()));
    check(output_->pb->error);
    check(avio_closep(&output_->pb));
    output_.reset();
    file_.commit();
}

}  // namespace convoy::media
