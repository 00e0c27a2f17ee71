// SPDX-License-Identifier: MIT
//
// Which tracks of a recording are copied, and what is said of the others.
#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <string_view>
#include <utility>

#include "tools/media/av_compat.h"
#include "tools/media/out/plain_mp4.h"
#include "tools/media/out/recording_copy.h"

namespace convoy::media {
namespace {

constexpr std::string_view kNoPlace = ", for which its kind has no place";
/// How late sound may begin that only its packets describe, where they must be described in front.
constexpr double kLatestBegin_s = .5;

/// Whether a name that one container has for a codec is right in another. Some tell apart what is in it: the kinds of
/// ProRes, the pixels of Ut Video.
bool takes_tag(const AVOutputFormat& format, const AVCodecParameters& codec) {
    unsigned tag = 0;
    return !format.codec_tag || av_codec_get_id(format.codec_tag, codec.codec_tag) == codec.codec_id ||
           !av_codec_get_tag2(format.codec_tag, codec.codec_id, &tag);
}

/// A track of the file for what one of the recording holds.
AVStream& add_track(const AVStream& from, AVFormatContext& output) {
    AVStream* to = avformat_new_stream(&output, nullptr);
    if (!to || avcodec_parameters_copy(to->codecpar, from.codecpar) < 0) throw std::bad_alloc();
    if (!takes_tag(*output.oformat, *from.codecpar)) to->codecpar->codec_tag = 0;  // of the other container
    forget_crop(*to->codecpar);                                                    // boxes lie in the whole picture
    to->time_base = from.time_base;
    to->avg_frame_rate = from.avg_frame_rate;
    if (from.sample_aspect_ratio.num > 0) to->codecpar->sample_aspect_ratio = from.sample_aspect_ratio;  // they agree
    to->sample_aspect_ratio = from.sample_aspect_ratio;
    to->disposition = from.disposition;
    av_dict_copy(&to->metadata, from.metadata, 0);
    copy_side_data(from, *to);
    return *to;
}

/// Whether a file of this kind can begin with such a track alone: no list that libav gives is right about that.
bool can_begin_with(const AVStream& from, const AVOutputFormat& format) {
    AVFormatContext* raw = nullptr;
    if (avformat_alloc_output_context2(&raw, &format, nullptr, nullptr) < 0) throw std::bad_alloc();
    raw->flags |= AVFMT_FLAG_CUSTOM_IO;
    const MuxerPtr trial(raw);
    add_track(from, *raw);
    if (avio_open_dyn_buf(&raw->pb) < 0) throw std::bad_alloc();
    const int code = avformat_write_header(raw, nullptr);
    std::uint8_t* written = nullptr;
    avio_close_dyn_buf(raw->pb, &written);
    av_free(written);
    return code >= 0;
}

/// avformat_query_codec() alone knows less than Matroska's muxer does.
bool has_place(const AVOutputFormat& format, const AVStream& track) {
    const AVCodecID codec = track.codecpar->codec_id;
    if (track.codecpar->codec_type == AVMEDIA_TYPE_ATTACHMENT)  // a font
        return format.name == std::string_view("matroska") && track.codecpar->extradata_size > 0 &&
               can_begin_with(track, format);
    unsigned tag = 0;
    const bool known = avformat_query_codec(&format, codec, FF_COMPLIANCE_NORMAL) == 1 ||
                       (format.codec_tag && av_codec_get_tag2(format.codec_tag, codec, &tag));
    return known && (track.codecpar->codec_type == AVMEDIA_TYPE_VIDEO || can_begin_with(track, format));
}

}  // namespace

int packets_that_describe(const AVCodecParameters& codec) {
    switch (codec.codec_id) {
        case AV_CODEC_ID_AAC:
            return codec.extradata_size == 0 ? 1 : 0;
        case AV_CODEC_ID_AC3:
            return 1;
        case AV_CODEC_ID_EAC3:
            return 2;  // with the second it is known that there are no more substreams
        default:
            return 0;
    }
}

std::string lack_text(const std::string& path, const std::string& left_out) {
    const bool helps = left_out.find(kNoPlace) != left_out.npos && !path.ends_with(".mkv");
    return path + " lacks the recording's " + left_out + (helps ? "; take .mkv" : "");
}

/// The packets that describe a track, which come at its begin or not at all.
std::vector<PacketPtr> RecordingCopy::description_of(const AVStream& stream) {
    const auto needed = std::size_t(packets_that_describe(*stream.codecpar));
    const double origin_s = steps_.empty() ? 0 : earlier_s(stream, 0);
    std::vector<PacketPtr> found;
    for (std::size_t i = 0; found.size() < needed && (i < ahead_.size() || read_ahead()); ++i) {
        const AVPacket& packet = *ahead_[i];
        const std::int64_t stamp = packet.dts != AV_NOPTS_VALUE ? packet.dts : packet.pts;
        if (packet.stream_index != stream.index || stamp == AV_NOPTS_VALUE) continue;
        const double at_s = double(stamp) * av_q2d(stream.time_base) - origin_s;
        if (at_s > kLatestBegin_s) break;
        if (at_s >= 0) found.emplace_back(av_packet_clone(&packet));
        if (!found.empty() && !found.back()) throw std::bad_alloc();
    }
    return found.size() < needed ? std::vector<PacketPtr>() : std::move(found);
}

/// What lies long before the picture need not be read, where the container can be searched.
void RecordingCopy::begin_near(double origin_s) {
    constexpr double kMargin_s = 5;
    const double begin_s = input_->start_time == AV_NOPTS_VALUE ? 0 : double(input_->start_time) / AV_TIME_BASE;
    const bool is_near = !(origin_s > begin_s + 2 * kMargin_s);
    const bool counts_itself = input_->iformat->name == std::string_view("avi");
    if (is_near || counts_itself || !input_->pb || !(input_->pb->seekable & AVIO_SEEKABLE_NORMAL)) return;
    const auto stamp = std::llround((origin_s - kMargin_s) * AV_TIME_BASE);
    if (avformat_seek_file(input_.get(), -1, std::numeric_limits<std::int64_t>::min(), stamp, stamp, 0) < 0) return;
    ahead_.clear();
    bytes_ahead_ = 0;
    ended_ = false;
}

void RecordingCopy::add_tracks(AVFormatContext& output) {
    tracks_.clear();
    tracks_.resize(input_->nb_streams);
    if (which_ == Tracks::sound && !steps_.empty()) begin_near(steps_.front().earlier_s);
    const bool describes_in_front = is_mp4(output.oformat);
    for (unsigned i = 0; describes_in_front && i < input_->nb_streams; ++i)
        tracks_[i].description = description_of(*input_->streams[i]);
    for (unsigned i = 0; i < input_->nb_streams; ++i) {
        AVStream& stream = *input_->streams[i];
        stream.discard = is_wanted(stream) && fits(stream, output) ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    }
    leave_out_empty();
    for (unsigned i = 0; i < input_->nb_streams; ++i)
        if (const AVStream& from = *input_->streams[i]; from.discard != AVDISCARD_ALL)
            tracks_[i].to = add_track(from, output).index;
}

bool RecordingCopy::is_wanted(const AVStream& stream) const {
    const AVMediaType type = stream.codecpar->codec_type;
    if (type == AVMEDIA_TYPE_AUDIO) return stream.codecpar->sample_rate > 0;  // without it has no begin
    if (which_ == Tracks::sound) return false;
    return type != AVMEDIA_TYPE_VIDEO || stream.index == video_ || stream.disposition & AV_DISPOSITION_ATTACHED_PIC;
}

/// Names it where it is sound or text, and does not.
bool RecordingCopy::fits(const AVStream& stream, const AVFormatContext& output) {
    const AVMediaType type = stream.codecpar->codec_type;
    const std::string noun = type == AVMEDIA_TYPE_AUDIO ? " sound" : type == AVMEDIA_TYPE_SUBTITLE ? " subtitles" : "";
    if (!has_place(*output.oformat, stream)) {
        if (!noun.empty()) name_left_out(stream, noun);
        return false;
    }
    const bool is_described = !is_mp4(output.oformat) || packets_that_describe(*stream.codecpar) == 0 ||
                              !tracks_[std::size_t(stream.index)].description.empty();
    if (!is_described) name_left_out(stream, " sound that begins late");
    return is_described;
}

/// Sound without one packet, as far as that can be known now: of an annotated video's nothing else is read.
void RecordingCopy::leave_out_empty() {
    for (unsigned i = 0; i < input_->nb_streams; ++i) {
        AVStream& stream = *input_->streams[i];
        const auto is_its = [&](const PacketPtr& packet) { return packet->stream_index == stream.index; };
        if (stream.discard == AVDISCARD_ALL || stream.codecpar->codec_type != AVMEDIA_TYPE_AUDIO) continue;
        bool has_any = std::ranges::any_of(ahead_, is_its);
        while (!has_any && read_ahead()) has_any = is_its(ahead_.back());
        if (!has_any && ended_) stream.discard = AVDISCARD_ALL;
    }
}

std::string RecordingCopy::left_out() const {
    std::string text = no_place_.empty() ? "" : no_place_ + std::string(kNoPlace);
    for (std::size_t i = 0; ended_ && ahead_.empty() && i < tracks_.size(); ++i) {
        const AVCodecParameters& codec = *input_->streams[i]->codecpar;
        if (tracks_[i].to < 0 || tracks_[i].packets > 0 || codec.codec_type != AVMEDIA_TYPE_AUDIO) continue;
        text +=
            std::string(text.empty() ? "" : ", and its ") + avcodec_get_name(codec.codec_id) + " sound, which is empty";
    }
    if (!gap_.empty()) text += (text.empty() ? "sound where " : ", and its sound where ") + gap_;
    return text;
}

void RecordingCopy::name_left_out(const AVStream& stream, const std::string& what) {
    no_place_ += std::string(no_place_.empty() ? "" : ", ") + avcodec_get_name(stream.codecpar->codec_id) + what;
}

}  // namespace convoy::media
