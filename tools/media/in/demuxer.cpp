// SPDX-License-Identifier: MIT
#include "tools/media/in/demuxer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

extern "C" {
#include <libavutil/parseutils.h>
}

#include <convoy/media/input.h>
#include "tools/media/av_compat.h"
#include "tools/media/colours.h"
#include "tools/media/files.h"
#include "tools/media/in/av1_units.h"
#include "tools/media/in/damage.h"
#include "tools/media/in/dv_picture.h"
#include "tools/media/in/host_lookup.h"
#include "tools/media/in/playlist_files.h"
#include "tools/media/limits.h"
#include "tools/media/pictures/picture_format.h"

namespace convoy::media {
namespace {

constexpr double kDefaultRate = 25;         // frames/s where neither time stamps nor the container tell
constexpr double kMostReordered = 16;       // frames: H.264's largest picture buffer
constexpr double kLongestGapOfStream = 10;  // s; containers whose stamps may begin anew
constexpr int kMostSilences = 10;           // that a packet may take in all whose bytes come slowly
constexpr std::chrono::milliseconds kCameraPause{2}, kPause{10};

/// Text and binary files that libav would draw as a terminal's screen.
bool is_text_art(AVCodecID id) {
    return id == AV_CODEC_ID_ANSI || id == AV_CODEC_ID_BINTEXT || id == AV_CODEC_ID_XBIN || id == AV_CODEC_ID_IDF;
}

}  // namespace

Demuxer::Demuxer(const std::string& path, std::stop_token cancel, const AVInputFormat* format,
                 std::chrono::duration<double> silence, int stream)
    : cancel_(std::move(cancel)), asks_again_(format != nullptr), reach_(path), frame_s_(1 / kDefaultRate) {
    info_.path = without_passwords(path);
    set_silence(silence);
    open(format);
    find_streams();
    choose_stream(stream);
    describe();
    if (!is_url(path) || !is_recording()) return;
    held_.reset(av_packet_alloc());
    if (!held_) throw std::bad_alloc();
    if (body()) size_ = avio_size(body());
}

void Demuxer::set_silence(std::chrono::duration<double> silence) {
    if (is_url(info_.path) || asks_again_) silence_ = std::chrono::duration_cast<Clock::duration>(silence);
}

void Demuxer::fail(const std::string& what) const { throw_input(info_.path, what); }

/// libav asks this while it waits for a network, and before each packet while it looks for streams.
bool Demuxer::gives_up() {
    ++asked_;
    if (asks_again_) std::this_thread::sleep_for(kCameraPause);
    heed_bytes();
    return cancel_.stop_requested() || reach_.refused() || Clock::now() > deadline_;
}

AVIOInterruptCB Demuxer::interrupt() {
    return {[](void* self) { return int(static_cast<Demuxer*>(self)->gives_up()); }, this};
}

void Demuxer::expect_something() {
    if (!silence_ || too_late_) return;
    since_ = Clock::now();
    deadline_ = since_ + *silence_;
}

/// A slow server may need longer for a file's index, or for one packet. Bytes of no known kind count for nothing, and a
/// live playlist is asked for again and again.
void Demuxer::heed_bytes() {
    const AVFormatContext* context = context_ ? context_.get() : opening_;
    if (!silence_ || too_late_ || !context || !context->iformat) return;
    if (is_live_list_ || context->ctx_flags & AVFMTCTX_UNSEEKABLE) return;
    std::int64_t arrived = body_ ? body_->arrived() : 0;
    for (const auto& [io, url] : parts_) arrived += io->bytes_read;
    if (std::exchange(arrived_, arrived) == arrived) return;
    deadline_ = std::min(Clock::now() + *silence_, since_ + kMostSilences * *silence_);
}

void Demuxer::note_arrival() {
    const Clock::time_point now = Clock::now();
    too_late_ |= now > deadline_;
    if (!too_late_) last_came_ = now;
}

void Demuxer::open(const AVInputFormat* format) {
    const bool url = is_url(info_.path), file = !url && !format;
    if (!url) require_readable(info_.path);
    AVFormatContext* raw = avformat_alloc_context();
    if (!raw) throw std::bad_alloc();
    context_.reset(raw);
    raw->interrupt_callback = interrupt();
    if (format) raw->flags |= AVFMT_FLAG_NONBLOCK;  // else nothing ends the wait for a picture
    if (file && is_stream(info_.path)) {
        stream_in_ = std::make_unique<InputStream>(info_.path, [cancel = cancel_] { return cancel.stop_requested(); });
        io_ = avio_over(*stream_in_);
        raw->pb = io_.get();
        raw->flags |= AVFMT_FLAG_CUSTOM_IO;
    }
    if (file && !stream_in_) end_before_else();
    if (!format) reach_.bound(*raw);
    // libav would take it for a single picture by its name.
    if (file && picture_format(info_.path) == PictureFormat::motion_jpeg) format = av_find_input_format("mjpeg");
    expect_something();
    if (url) look_up_host();
    const std::string& location = format && !file ? info_.path : reach_.location();
    AVDictionary* options = nullptr;
    av_dict_set(&options, "rtsp_flags", "prefer_tcp", 0);  // over UDP, cameras lose packets even in a quiet network
    av_dict_set(&options, "http_persistent", "0", 0);      // else nothing tells how a playlist's segments ended
    const bool is_local_list = is_local_playlist(info_.path);
    if (is_http() || is_local_list) watch_parts(*raw);
    sound_files_ = separate_sound_files(info_.path);
    if (is_local_list) av_dict_set(&options, "allowed_extensions", "ALL", 0);  // keys, too: by reach_
    opening_ = context_.release();                                             // what cannot be opened is freed there
    const int code = avformat_open_input(&raw, location.c_str(), format, &options);
    opening_ = nullptr;
    context_.reset(raw);
    av_dict_free(&options);
    require_reach();
    if (code == AVERROR_HTTP_UNAUTHORIZED || code == AVERROR_HTTP_FORBIDDEN)
        throw Forbidden(ErrorKind::input, "'" + info_.path + "' cannot be opened (" + av_message(code) +
                                              "); check the user and the password in its address");
    if (code < 0) fail(why_unopened(code, !file));
    last_came_ = Clock::now();
}

/// libav gives up the last picture of AV1 without a container where it meets anything else behind that.
void Demuxer::end_before_else() {
    const std::optional<RowEnd> end = early_end_of_av1(info_.path);
    if (!end) return;
    reach_.end_at(end->at);
    stops_amid_av1_ = end->has_more;
}

/// libav goes on without what a playlist names in vain.
void Demuxer::require_reach() const {
    if (reach_.refused()) fail(reach_.refusal());
}

/// libav would wait for the name service inside, where nothing interrupts it.
void Demuxer::look_up_host() const {
    const std::string reason = why_host_not_found(info_.path);
    if (!reason.empty()) fail("cannot be opened (" + reason + "); check the address and the network");
}

std::string Demuxer::why_host_not_found(const std::string& url) const {
    const std::string host = host_to_look_up(url);
    return host.empty() ? "" : why_not_found(host, deadline_, cancel_);
}

std::string Demuxer::why_unopened(int code, bool from_far) const {
    if (body_ && body_->is_replaced()) return "was replaced on the server while it was opened; try again";
    if (!gap_.empty() && !gap_is_amid_) return "cannot be read: " + gap_;
    const std::string kind = io_ ? reach_.why_not({io_->buffer, io_->buf_end}) : reach_.why_not();
    if (!kind.empty()) return kind;
    if (!from_far && !stream_in_ && lacks_delimiters_of_av1(info_.path))
        return "holds AV1 without the units that tell its pictures apart (temporal delimiters), which libav needs; put "
               "it into an .ivf, an .mp4 or an .mkv";
    if (!from_far)
        return "is no video or picture that can be read (" + av_message(code) +
               "); if it should be one, it is cut short or damaged: " +
               (stream_in_ ? "give the file, since some kinds cannot come through a pipe" : "copy or record it again");
    if (code == AVERROR(EINVAL) && is_http())
        return "is no video or picture, or a list of a kind that is not followed; look what the server sends";
    if (code == AVERROR_INVALIDDATA && is_http())
        return "is no video or picture that can be read (" + av_message(code) + "); look what the server sends";
    const std::string reason = Clock::now() > deadline_ ? "it says nothing"
                               : code == AVERROR(EIO) && is_http()
                                   ? "it breaks off, redirects in a circle, or to where nothing is found"
                                   : av_message(code);
    return "cannot be opened (" + reason + "); check the " +
           (is_url(info_.path) ? "address and the network" : "camera");
}

void Demuxer::find_streams() {
    // It may decode a frame of each, which obeys no limit but this.
    std::vector<AVDictionary*> limits(context_->nb_streams, nullptr);
    for (AVDictionary*& d : limits) av_dict_set_int(&d, "max_pixels", kMaxPixels, 0);
    const std::size_t streams = limits.size();
    const int code = avformat_find_stream_info(context_.get(), limits.data());
    for (std::size_t i = 0; i < streams; ++i) av_dict_free(&limits[i]);
    require_reach();
    if (code < 0) fail("cannot be read (" + av_message(code) + "); it may be cut short: copy or record it again");
}

/// The index of a video stream that can be decoded.
int Demuxer::find_stream(int wanted) {
    const auto is_video = [](const AVStream& stream) {
        // Cover pictures of songs are video streams to libav.
        return stream.codecpar->codec_type == AVMEDIA_TYPE_VIDEO &&
               !(stream.disposition & AV_DISPOSITION_ATTACHED_PIC) && !is_text_art(stream.codecpar->codec_id);
    };
    std::vector<int> videos;
    for (unsigned i = 0; i < context_->nb_streams; ++i)
        if (is_video(*context_->streams[i])) videos.push_back(int(i));
    if (videos.empty()) fail("holds no video stream; give a video or picture");
    const int last = int(videos.size()) - 1;
    if (wanted > last)
        fail("has no video stream " + std::to_string(wanted) +
             (last == 0 ? "; its only one is number 0" : "; its last one is number " + std::to_string(last)));
    int index = wanted >= 0 ? videos[std::size_t(wanted)] : -1;
    if (wanted >= 0 && !avcodec_find_decoder(context_->streams[index]->codecpar->codec_id))
        index = AVERROR_DECODER_NOT_FOUND;
    if (wanted < 0) index = av_find_best_stream(context_.get(), AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
    // Of all, the best may be a cover picture that can be decoded beside a video that cannot.
    if (index < 0 || !is_video(*context_->streams[index]))
        fail("holds a video of a kind that this libav cannot decode");
    if (last > 0)
        remark_ = "video stream " + std::to_string(std::find(videos.begin(), videos.end(), index) - videos.begin()) +
                  " is read, of those from 0 to " + std::to_string(last);
    return index;
}

void Demuxer::choose_stream(int wanted) {
    const int index = find_stream(wanted);
    chosen_ = context_->streams[index];
    mend_colours(*chosen_->codecpar);
    for (unsigned i = 0; i < context_->nb_streams; ++i)
        if (int(i) != index) context_->streams[i]->discard = AVDISCARD_ALL;
    auto stream = std::make_shared<VideoStream>();
    stream->path = info_.path;
    stream->parameters.reset(avcodec_parameters_alloc());
    if (!stream->parameters || avcodec_parameters_copy(stream->parameters.get(), chosen_->codecpar) < 0)
        throw std::bad_alloc();
    stream->time_base = chosen_->time_base;
    stream->orientation = from_display_matrix(display_matrix(chosen_));
    stream->states_pixel_shape = chosen_->sample_aspect_ratio.num > 0 && !(context_->iformat->flags & AVFMT_TS_DISCONT);
    stream_ = std::move(stream);
}

void Demuxer::describe() {
    info_.is_video = true;
    const AVRational rate = av_guess_frame_rate(context_.get(), chosen_, nullptr);
    if (rate.num > 0 && rate.den > 0) {
        info_.fps_num = rate.num;
        info_.fps_den = rate.den;
        frame_s_ = 1 / av_q2d(rate);
    }
    info_.video_stream = chosen_->index;
    const AVRational pixel = av_guess_sample_aspect_ratio(context_.get(), chosen_, nullptr);
    if (pixel.num > 0 && pixel.den > 0) {
        info_.pixel_width = pixel.num, info_.pixel_height = pixel.den;
        if (swaps_axes(stream_->orientation)) std::swap(info_.pixel_width, info_.pixel_height);
    }
    if (context_->iformat->flags & AVFMT_TS_DISCONT) info_.longest_gap_s = kLongestGapOfStream;
    // What else cuts out frames states that, or does not keep their times.
    const std::string_view format = context_->iformat->name;
    info_.is_even = format == "mpegts" || format == "flv" || format.starts_with("matroska");
    info_.duration_s = stated_s().value_or(0);
    info_.frames_estimate = chosen_->nb_frames;
    if (info_.frames_estimate <= 0 && info_.fps_num > 0)
        info_.frames_estimate = std::llround(std::min(info_.duration_s / frame_s_, 1e15));
}

bool Demuxer::has_index() const {
    const std::string_view format = context_->iformat->name;
    const bool is_known = format.starts_with("mov,") || format.starts_with("matroska,") || format == "avi";
    // A palette may come once, with the first picture.
    return is_known && chosen_->codecpar->format != AV_PIX_FMT_PAL8 && context_->pb &&
           context_->pb->seekable & AVIO_SEEKABLE_NORMAL;
}

void Demuxer::seek_before(double time_s) {
    if (!has_index()) return;
    if (held_) av_packet_unref(held_.get());
    ended_ = false;
    const double margin_s = 1 + kMostReordered * frame_s_;  // an index has times of decoding
    const auto stamp = std::llround((time_s - margin_s) / av_q2d(stream_->time_base));
    avformat_seek_file(context_.get(), chosen_->index, std::numeric_limits<std::int64_t>::min(), stamp, stamp, 0);
}

/// Where the container has it: sound may go on for longer.
std::optional<double> Demuxer::own_duration_s() const {
    // libav says how long an .avi is by how much of it there is.
    const std::string_view format = context_->iformat->name;
    if (format == "avi" && chosen_->nb_frames > 0) return double(chosen_->nb_frames) * av_q2d(chosen_->time_base);
    if (format == "asf") return std::nullopt;  // all tracks have the file's
    if (chosen_->duration > 0) return double(chosen_->duration) * av_q2d(chosen_->time_base);
    const AVDictionaryEntry* tag = av_dict_get(chosen_->metadata, "DURATION", nullptr, 0);  // Matroska's
    std::int64_t us = 0;
    if (tag && av_parse_time(&us, tag->value, 1) >= 0 && us > 0) return double(us) / AV_TIME_BASE;
    return std::nullopt;
}

std::optional<double> Demuxer::stated_s() const {
    if (const std::optional<double> own = own_duration_s()) return own;
    if (context_->duration > 0) return double(context_->duration) / AV_TIME_BASE;
    return std::nullopt;
}

bool Demuxer::is_recording() const {
    if (is_live(info_.path)) return false;
    if (!is_url(info_.path)) return true;
    // A server need not state a length: only what is known to have no end is no recording.
    const bool pictures = context_->iformat->name == std::string_view("mpjpeg");
    return !(context_->ctx_flags & AVFMTCTX_UNSEEKABLE) && !(pictures && avio_size(context_->pb) <= 0);
}

bool Demuxer::read(AVPacket& packet) {
    if (!held_) return read_next(packet);
    do {
        av_packet_unref(&packet);
        av_packet_move_ref(&packet, held_.get());
        if (!read_next(*held_)) return packet.buf && broken_off_.empty();
    } while (!packet.buf);
    return true;
}

bool Demuxer::read_next(AVPacket& packet) {
    expect_something();
    for (int retries = 0; !ended_ && !cancel_.stop_requested();) {
        av_packet_unref(&packet);
        const int code = av_read_frame(context_.get(), &packet);
        require_reach();
        if (cancel_.stop_requested()) break;  // what came last may be half a packet
        if (code >= 0 && !gap_is_amid_) {
            note_arrival();
            expect_something();
            const bool is_half = packet.flags & AV_PKT_FLAG_CORRUPT;
            if (is_half && packet.stream_index == chosen_->index && packets_ == chosen_->nb_frames) continue;
            ends_in_half_ = is_half;
            if (packet.stream_index != chosen_->index || is_foreign(packet)) continue;
            keep_time(packet);
            return true;
        }
        if (code == AVERROR(EAGAIN) && (asks_again_ ? Clock::now() < deadline_ : ++retries < 100)) {
            std::this_thread::sleep_for(asks_again_ ? kCameraPause : kPause);
            continue;
        }
        ended_ = true;
        end(code);
    }
    av_packet_unref(&packet);
    return false;
}

/// Bytes that libav takes for pictures of DV since they are as many: behind the last one they are no damage.
bool Demuxer::is_foreign(const AVPacket& packet) {
    if (context_->iformat->name != std::string_view("dv")) return false;
    if (!is_dv_picture({packet.data, std::size_t(packet.size)})) return ++foreign_ > 0;
    for (; foreign_ > 0; --foreign_)
        note_damage(notes_, info_.path, first_s_.value_or(0) + end_s_,
                    "what stands in a picture's place is none of DV");
    return false;
}

void Demuxer::keep_time(const AVPacket& packet) {
    ++packets_;
    last_packet_ = {packet.pos, packet.size, packets_};
    double begin_s = end_s_, duration_s = frame_s_;
    if (const double stamp_s = stream_->seconds(packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts);
        std::isfinite(stamp_s)) {
        if (!first_s_) first_s_ = stamp_s;
        begin_s = stamp_s - *first_s_;
        if (packet.duration > 0) duration_s = stream_->seconds(packet.duration);
    }
    end_s_ = std::max(end_s_, begin_s + duration_s);
}

}  // namespace convoy::media
