// SPDX-License-Identifier: MIT
#include "tools/media/out/recording_copy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <string_view>
#include <utility>

#include "tools/media/av_compat.h"
#include "tools/media/byte_stream.h"
#include "tools/media/files.h"
#include "tools/media/out/plain_mp4.h"

namespace convoy::media {

namespace {

/// What is no jitter: a track's stamps have stepped back, or leapt. How much of the pictures may be written until the
/// step that they have made there is known.
constexpr double kStepBack_s = .1, kLeap_s = 5, kPatience_s = 5;
/// How far a recording is read ahead for the first packets of sound that has to be named or described.
constexpr std::size_t kMostAhead = 500, kMostBytesAhead = std::size_t(64) << 20;
/// How late sound may begin that only its packets describe, where they must be described in front.
constexpr double kLatestBegin_s = .5;

/// How much earlier than shown a picture may have to be decoded.
std::int64_t delay_of(const AVStream& stream) {
    const AVRational rate = stream.avg_frame_rate;
    return rate.num > 0 ? stream.codecpar->video_delay * av_rescale_q(1, av_inv_q(rate), stream.time_base) : 0;
}

/// A track of the file for what one of the recording holds.
AVStream& add_track(const AVStream& from, AVFormatContext& output) {
    AVStream* to = avformat_new_stream(&output, nullptr);
    if (!to || avcodec_parameters_copy(to->codecpar, from.codecpar) < 0) throw std::bad_alloc();
    to->codecpar->codec_tag = 0;  // of the other container
    forget_crop(*to->codecpar);   // boxes lie in the whole picture
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

/// Some containers have one name for AC-3 and E-AC-3: ETSI TS 102 366 tells them apart by the field `bsid`.
bool is_eac3(const AVPacket& packet) {
    const std::uint8_t* bytes = packet.data;
    return packet.size > 5 && bytes[0] == 0x0b && bytes[1] == 0x77 && bytes[5] >> 3 > 10 && bytes[5] >> 3 <= 16;
}

/// How many packets an .mp4 must have seen to describe a track in front of them.
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

}  // namespace

bool can_be_copied(const std::string& recording) { return !is_url(recording) && !is_stream(recording); }

std::string lack_text(const std::string& path, const std::string& left_out) {
    return path + " lacks the recording's " + left_out + ", for which its kind has no place" +
           (path.ends_with(".mkv") ? "" : "; take .mkv");
}

RecordingCopy::RecordingCopy(std::string recording, Tracks which, int video)
    : recording_(std::move(recording)), which_(which), reach_(recording_), packet_(av_packet_alloc()) {
    AVFormatContext* raw = avformat_alloc_context();
    if (!packet_ || !raw) throw std::bad_alloc();
    const auto check = [&](int code) {
        if (reach_.refused()) throw_input(recording_, reach_.refusal());
        if (code < 0) throw_input(recording_, "cannot be read a second time to be copied (" + av_message(code) + ")");
    };
    reach_.bound(*raw);
    const int code = avformat_open_input(&raw, reach_.location().c_str(), nullptr, nullptr);  // frees it when it fails
    input_.reset(raw);
    check(code);
    check(avformat_find_stream_info(raw, nullptr));
    video_ = video >= 0 && video < int(raw->nb_streams)
                 ? video
                 : av_find_best_stream(raw, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
    name_sound();
}

/// Reads on to the first packet of each sound whose name may be wrong.
void RecordingCopy::name_sound() {
    std::vector<bool> unnamed(input_->nb_streams);
    for (unsigned i = 0; i < input_->nb_streams; ++i)
        unnamed[i] = input_->streams[i]->codecpar->codec_id == AV_CODEC_ID_AC3;
    while (std::ranges::find(unnamed, true) != unnamed.end() && read_ahead()) {
        const AVPacket& packet = *ahead_.back();
        const auto stream = std::size_t(packet.stream_index);
        if (stream >= unnamed.size() || !unnamed[stream]) continue;
        unnamed[stream] = false;
        if (is_eac3(packet)) input_->streams[stream]->codecpar->codec_id = AV_CODEC_ID_EAC3;
    }
}

bool RecordingCopy::read_ahead() {
    if (ahead_.size() >= kMostAhead || bytes_ahead_ >= kMostBytesAhead) return false;
    PacketPtr packet(av_packet_alloc());
    if (!packet) throw std::bad_alloc();
    if (av_read_frame(input_.get(), packet.get()) < 0) return false;
    bytes_ahead_ += std::size_t(packet->size);
    ahead_.push_back(std::move(packet));
    return true;
}

/// The packets that describe a track, which come at its begin or not at all.
std::vector<PacketPtr> RecordingCopy::description_of(const AVStream& stream) {
    const auto needed = std::size_t(packets_that_describe(*stream.codecpar));
    const double origin_s = steps_.empty() ? 0 : steps_.front().earlier_s;
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
    if (!(origin_s > begin_s + 2 * kMargin_s) || !input_->pb || !(input_->pb->seekable & AVIO_SEEKABLE_NORMAL)) return;
    const auto stamp = std::llround((origin_s - kMargin_s) * AV_TIME_BASE);
    avformat_seek_file(input_.get(), -1, std::numeric_limits<std::int64_t>::min(), stamp, stamp, 0);
}

void RecordingCopy::add_tracks(AVFormatContext& output) {
    tracks_.clear();
    tracks_.resize(input_->nb_streams);
    if (which_ == Tracks::sound && !steps_.empty()) begin_near(steps_.front().earlier_s);
    const bool describes_in_front = is_mp4(output.oformat);
    for (unsigned i = 0; describes_in_front && i < input_->nb_streams; ++i)
        tracks_[i].description = description_of(*input_->streams[i]);
    for (unsigned i = 0; i < input_->nb_streams; ++i) {
        AVStream& from = *input_->streams[i];
        from.discard = AVDISCARD_ALL;
        if (which_ == Tracks::sound && from.codecpar->codec_type != AVMEDIA_TYPE_AUDIO) continue;
        if (from.codecpar->codec_type == AVMEDIA_TYPE_VIDEO && int(i) != video_ &&
            !(from.disposition & AV_DISPOSITION_ATTACHED_PIC))
            continue;
        const bool is_sound = from.codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
        const bool is_text = from.codecpar->codec_type == AVMEDIA_TYPE_SUBTITLE;
        if (is_sound && from.codecpar->sample_rate <= 0) continue;  // it has no begin
        if (!has_place(*output.oformat, from)) {
            if (is_sound || is_text) name_left_out(from, is_sound ? " sound" : " subtitles");
            continue;
        }
        if (describes_in_front && packets_that_describe(*from.codecpar) > 0 && tracks_[i].description.empty()) {
            name_left_out(from, " sound that begins late");
            continue;
        }
        from.discard = AVDISCARD_DEFAULT;
        tracks_[i].to = add_track(from, output).index;
    }
}

void RecordingCopy::name_left_out(const AVStream& stream, const std::string& what) {
    left_out_ += std::string(left_out_.empty() ? "" : ", ") + avcodec_get_name(stream.codecpar->codec_id) + what;
}

/// The next packet of a track that is copied.
bool RecordingCopy::next() {
    while (!packet_->buf) {
        if (!ahead_.empty()) {
            packet_ = std::move(ahead_.front());
            ahead_.pop_front();
        } else if (av_read_frame(input_.get(), packet_.get()) < 0)
            return false;
        const auto stream = std::size_t(packet_->stream_index);
        if (stream >= tracks_.size() || tracks_[stream].to < 0) av_packet_unref(packet_.get());
    }
    return true;
}

/// Gives it the stamps that it lacks and can have.
void RecordingCopy::complete(AVPacket& packet) const {
    const AVStream& stream = *input_->streams[packet.stream_index];
    const std::int64_t last = tracks_[std::size_t(packet.stream_index)].last_dts;
    if (packet.pts == AV_NOPTS_VALUE) packet.pts = packet.dts;
    if (packet.dts != AV_NOPTS_VALUE || packet.pts == AV_NOPTS_VALUE) return;
    const bool leaps = last != Track::kNone && double(packet.pts - last) * av_q2d(stream.time_base) > kLeap_s;
    packet.dts = last != Track::kNone && !leaps
                     ? std::min(last, packet.pts)  // as of an .mkv's first pictures
                     : packet.pts - std::clamp<std::int64_t>(packet.pts, 0, delay_of(stream));
}

/// Takes the step that the packet's stamps make, the nearest of those that are known. False where one is missing.
bool RecordingCopy::follow_steps(const AVPacket& packet, Track& track) const {
    if (track.last_dts == Track::kNone) return true;
    const double tick_s = av_q2d(input_->streams[packet.stream_index]->time_base);
    const double moved_s = double(packet.dts - track.last_dts) * tick_s, at_s = double(packet.dts) * tick_s;
    if (moved_s >= -kStepBack_s && moved_s <= kLeap_s) return true;
    double nearest_s = std::numeric_limits<double>::infinity();
    std::size_t nearest = track.step;
    for (std::size_t i = track.step + 1; i < steps_.size(); ++i)
        if (const double far_s = std::fabs(steps_[i].from_s - at_s); far_s < nearest_s) nearest = i, nearest_s = far_s;
    if (nearest == track.step) return moved_s > 0;
    track.step = nearest;
    return true;
}

void RecordingCopy::leave_out(const AVPacket& packet) const {
    if (packet.stream_index == video_)
        throw Error(ErrorKind::unsupported,
                    "'" + recording_ + "' " +
                        (packet.pts == AV_NOPTS_VALUE ? "has no time stamps that could be copied"
                                                      : "has time stamps that step back, which an .mkv cannot have") +
                        "; name an .ass, which has the boxes alone, or take --video");
}

bool RecordingCopy::is_described() const {
    for (std::size_t i = 0; i < tracks_.size(); ++i)
        if (tracks_[i].to >= 0 && tracks_[i].packets < packets_that_describe(*input_->streams[i]->codecpar))
            return false;
    return true;
}

int RecordingCopy::describe_at_last(AVFormatContext& output) {
    for (std::size_t i = 0; i < tracks_.size(); ++i) {
        Track& track = tracks_[i];
        while (track.to >= 0 && track.packets < std::int64_t(track.description.size())) {
            AVPacket& packet = *track.description[std::size_t(track.packets)];
            const AVRational base = input_->streams[i]->time_base;
            if (packet.dts == AV_NOPTS_VALUE) packet.dts = packet.pts;
            packet.dts -= std::llround(steps_.front().earlier_s / av_q2d(base));
            packet.pts = packet.dts;
            if (const int code = write(packet, track, output, base); code < 0) return code;
        }
    }
    return 0;
}

/// The packet's stamps in the file's ticks. Those of a container may be coarser than the recording's.
void RecordingCopy::stamp(AVPacket& packet, Track& track, const AVFormatContext& output, AVRational base) {
    av_packet_rescale_ts(&packet, base, output.streams[packet.stream_index]->time_base);
    const int step = output.oformat->flags & AVFMT_TS_NONSTRICT ? 0 : 1;
    if (track.last_muxed != Track::kNone) packet.dts = std::max(packet.dts, track.last_muxed + step);
    packet.pts = std::max(packet.pts, packet.dts);
    track.last_muxed = packet.dts;
}

int RecordingCopy::write(AVPacket& packet, Track& track, AVFormatContext& output, AVRational base) {
    packet.stream_index = track.to;
    packet.pos = -1;
    stamp(packet, track, output, base);
    if (const int code = av_interleaved_write_frame(&output, &packet); code < 0) return code;
    ++track.packets;
    ++written_;
    return 0;
}

int RecordingCopy::write_until(double end_s, AVFormatContext& output) {
    while (next()) {
        AVPacket& packet = *packet_;
        Track& track = tracks_[std::size_t(packet.stream_index)];
        const AVRational base = input_->streams[packet.stream_index]->time_base;
        complete(packet);
        if (packet.pts == AV_NOPTS_VALUE) {
            leave_out(packet);
            av_packet_unref(&packet);
            continue;
        }
        const double last_s = double(track.last_written) * av_q2d(base);
        if (!follow_steps(packet, track) && end_s < last_s + kPatience_s) return 0;
        const std::int64_t earlier = std::llround(steps_[track.step].earlier_s / av_q2d(base));
        const std::int64_t dts = packet.dts - earlier;
        if (double(dts) * av_q2d(base) >= end_s) return 0;
        track.last_dts = packet.dts;
        if ((which_ == Tracks::sound && dts < 0) || dts < track.last_written) {
            leave_out(packet);
            av_packet_unref(&packet);
            continue;
        }
        track.last_written = dts;
        packet.pts -= earlier;
        packet.dts = dts;
        if (const int code = write(packet, track, output, base); code < 0) return code;
    }
    return 0;
}

}  // namespace convoy::media
