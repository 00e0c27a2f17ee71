// SPDX-License-Identifier: MIT
#include "tools/media/out/recording_copy.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <exception>
#include <iterator>
#include <limits>
#include <new>
#include <string_view>
#include <utility>

#include "tools/media/av_compat.h"
#include "tools/media/byte_stream.h"
#include "tools/media/files.h"
#include "tools/media/in/av1_units.h"
#include "tools/media/in/playlist_parts.h"
#include "tools/media/out/plain_mp4.h"

namespace convoy::media {

namespace {

/// What is no jitter: a track's stamps have stepped back, or leapt. How much of the pictures may be written until the
/// step that they have made there is known.
constexpr double kStepBack_s = .1, kLeap_s = 5, kPatience_s = 5;
/// How far a recording is read ahead for the first packets of sound that has to be named or described.
constexpr std::size_t kMostAhead = 500, kMostBytesAhead = std::size_t(64) << 20;

/// How much earlier than shown a picture may have to be decoded.
std::int64_t delay_of(const AVStream& stream) {
    const AVRational rate = stream.avg_frame_rate;
    return rate.num > 0 ? stream.codecpar->video_delay * av_rescale_q(1, av_inv_q(rate), stream.time_base) : 0;
}

bool is_avi(const AVFormatContext& input) { return input.iformat->name == std::string_view("avi"); }

/// Some containers have one name for AC-3 and E-AC-3: ETSI TS 102 366 tells them apart by the field `bsid`.
bool is_eac3(const AVPacket& packet) {
    const std::uint8_t* bytes = packet.data;
    return packet.size > 5 && bytes[0] == 0x0b && bytes[1] == 0x77 && bytes[5] >> 3 > 10 && bytes[5] >> 3 <= 16;
}

}  // namespace

bool can_be_copied(const std::string& recording) { return !is_url(recording) && !is_stream(recording); }

RecordingCopy::RecordingCopy(std::string recording, Tracks which, int video)
    : recording_(std::move(recording)), which_(which), reach_(recording_), packet_(av_packet_alloc()) {
    AVFormatContext* raw = avformat_alloc_context();
    if (!packet_ || !raw) throw std::bad_alloc();
    const auto check = [&](int code) {
        if (reach_.refused()) throw_input(recording_, reach_.refusal());
        if (code < 0) throw_input(recording_, "cannot be read a second time to be copied (" + av_message(code) + ")");
    };
    if (const std::optional<RowEnd> end = early_end_of_av1(recording_)) reach_.end_at(end->at);
    reach_.bound(*raw);
    if (is_local_playlist(recording_)) {
        raw->opaque = this;
        raw->io_open = [](AVFormatContext* c, AVIOContext** io, const char* url, int flags, AVDictionary** options) {
            try {
                return static_cast<RecordingCopy*>(c->opaque)->open_part(*c, io, url, flags, options);
            } catch (const std::exception&) {  // memory
                return AVERROR(ENOMEM);
            }
        };
    }
    const int code = avformat_open_input(&raw, reach_.location().c_str(), nullptr, nullptr);  // frees it when it fails
    input_.reset(raw);
    check(code);
    check(avformat_find_stream_info(raw, nullptr));
    video_ = video >= 0 && video < int(raw->nb_streams)
                 ? video
                 : av_find_best_stream(raw, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
    // Without times of showing, libav takes those at which pictures are decoded that others wait for.
    if (which_ == Tracks::all && PictureOrder::fits(*raw, video_)) {
        if (raw->streams[video_]->codecpar->codec_id == AV_CODEC_ID_MPEG4) begin_to_unpack(*raw->streams[video_]);
        order_.emplace(recording_, *raw->streams[video_], [this](AVPacket& packet) { return read_next(packet); });
    } else if (which_ == Tracks::all && is_avi(*raw) && video_ >= 0 && raw->streams[video_]->codecpar->video_delay > 0)
        raw->flags |= AVFMT_FLAG_GENPTS;
    name_sound();
}

/// Keeps what is missing of a playlist's sound, over which libav passes.
int RecordingCopy::open_part(AVFormatContext& context, AVIOContext** io, const char* url, int flags,
                             AVDictionary** options) {
    const std::int64_t range = end_of_range(options ? *options : nullptr);
    const int code = reach_.open(context, io, url, flags, options);
    if (gap_.empty() && url != reach_.location() && !is_list_name(url)) gap_ = lack_of_part(url, code, *io, range);
    return code;
}

bool RecordingCopy::read(AVPacket& packet) {
    ended_ = !(order_ ? order_->next(packet) : read_next(packet));
    return !ended_;
}

bool RecordingCopy::read_next(AVPacket& packet) {
    do {
        av_packet_unref(&packet);
        if (av_read_frame(input_.get(), &packet) < 0) return false;
    } while (unpack_ && packet.stream_index == video_ && !unpack(packet));
    if (is_avi(*input_)) count_anew(packet);
    return true;
}

/// DivX and XviD put two pictures into one packet of an .avi, and then an empty one, for which others have no place.
void RecordingCopy::begin_to_unpack(AVStream& video) {
    const AVBitStreamFilter* filter = av_bsf_get_by_name("mpeg4_unpack_bframes");
    AVBSFContext* raw = nullptr;
    if (!filter || av_bsf_alloc(filter, &raw) < 0) return;
    unpack_.reset(raw);
    raw->time_base_in = video.time_base;
    if (avcodec_parameters_copy(raw->par_in, video.codecpar) < 0 || av_bsf_init(raw) < 0 ||
        avcodec_parameters_copy(video.codecpar, raw->par_out) < 0)
        unpack_.reset();
}

/// False where the next packet is needed first.
bool RecordingCopy::unpack(AVPacket& packet) {
    const int stream = packet.stream_index;
    if (av_bsf_send_packet(unpack_.get(), &packet) < 0 || av_bsf_receive_packet(unpack_.get(), &packet) < 0)
        return false;
    packet.stream_index = stream;
    return true;
}

/// An .avi has no time stamps. libav counts some of its sound (E-AC-3, DTS) by bytes that are meant to be packets.
void RecordingCopy::count_anew(AVPacket& packet) {
    constexpr std::int64_t kMostPackets = 8;  // that are missing
    const bool is_sound = input_->streams[packet.stream_index]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
    if (!is_sound || packet.dts == AV_NOPTS_VALUE) return;
    Count& count = counts_[packet.stream_index];
    if (packet.duration > 0) count.duration = packet.duration;  // the last packet may have none
    if (count.duration > 0 && count.next && packet.dts > *count.next + kMostPackets * count.duration)
        packet.pts = packet.dts = *count.next;
    count.next = packet.dts + count.duration;
}

void RecordingCopy::add_step(double from_s, double earlier_s) { steps_.push_back({from_s, earlier_s}); }

/// How much less a track's stamps become. An .avi tells when a picture is decoded, and the sound begins with the first.
double RecordingCopy::earlier_s(const AVStream& stream, std::size_t step) const {
    const bool waits = video_ >= 0 && stream.index != video_ && is_avi(*input_);
    const AVStream* video = waits ? input_->streams[video_] : nullptr;
    return steps_[step].earlier_s - (waits ? double(delay_of(*video)) * av_q2d(video->time_base) : 0);
}

/// An .avi has times of decoding alone, from which libav finds those of showing where packets say which wait for none.
bool RecordingCopy::knows_order() const {
    constexpr AVCodecID kSaid[] = {AV_CODEC_ID_MPEG1VIDEO, AV_CODEC_ID_MPEG2VIDEO, AV_CODEC_ID_MPEG4};
    if (video_ < 0 || !is_avi(*input_) || order_) return true;
    const AVCodecParameters& codec = *input_->streams[video_]->codecpar;
    return codec.video_delay == 0 || std::ranges::find(kSaid, codec.codec_id) != std::end(kSaid);
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
    if (!read(*packet)) return false;
    bytes_ahead_ += std::size_t(packet->size);
    ahead_.push_back(std::move(packet));
    return true;
}

/// The next packet of a track that is copied.
bool RecordingCopy::next() {
    while (!packet_->buf) {
        if (!ahead_.empty()) {
            packet_ = std::move(ahead_.front());
            ahead_.pop_front();
        } else if (!read(*packet_)) {
            return false;
        }
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
            packet.dts -= std::llround(earlier_s(*input_->streams[i], 0) / av_q2d(base));
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
        const std::int64_t earlier =
            std::llround(earlier_s(*input_->streams[packet.stream_index], track.step) / av_q2d(base));
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
