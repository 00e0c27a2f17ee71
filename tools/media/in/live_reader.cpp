// SPDX-License-Identifier: MIT
#include "tools/media/in/live_reader.h"

#include <algorithm>
#include <cstring>
#include <thread>
#include <utility>

#include <convoy/error.h>
#include "tools/media/files.h"
#include "tools/media/in/av_cuda.h"
#include "tools/media/in/camera.h"
#include "tools/media/in/damage.h"
#include "tools/media/in/nal_units.h"
#include "tools/media/in/parameter_sets.h"

namespace convoy::media {
namespace {

constexpr std::chrono::milliseconds kFirstPause{500}, kLongestPause{10000}, kTick{50};
/// Streams that are refreshed bit by bit may have no keyframe at all.
constexpr int kLongestWaitForKeyframe = 300;
constexpr double kLeastPatience = 5;     // s for an attempt to connect, though it be the last
constexpr double kUsualFrame = 1. / 25;  // s, where the stream does not say

}  // namespace

LiveReader::LiveReader(const std::string& path, const InputOptions& options, std::stop_token cancel,
                       const DecodeTarget& target, bool stay_open)
    : path_(path),
      name_(without_passwords(path)),
      options_(options),
      cancel_(std::move(cancel)),
      target_(target),
      stay_open_(stay_open),
      pause_(kFirstPause) {
    if (target.gpu >= 0) device_ = cuda_device(target, no_device_);
}

void LiveReader::open(std::shared_ptr<const Segment> /*segment*/) {
    connection_.reset();
    decoder_.reset();
    notes_ = {};
    pause_ = kFirstPause;
    silent_since_ = left_ = Clock::now();
    had_frames_ = has_ended_ = false;
    dropped_.reset();
    clock_ = {};
}

std::optional<Frame> LiveReader::next() {
    silent_since_ += Clock::now() - left_;
    while (!cancel_.stop_requested()) {
        if (connection_ || connect()) {
            if (std::optional<Frame> frame = next_of_connection()) {
                Connection& c = *connection_;
                const double stamp_s = c.demuxer->has_times() ? frame->time_s : std::nan("");
                const auto came = std::exchange(c.has_frames, true) ? c.demuxer->last_came() : c.first_came;
                frame->time_s = clock_.time_of(stamp_s, came);
                frame->wall_time_s = wall_clock_.time_of(stamp_s, came);
                silent_since_ = std::max(silent_since_, c.demuxer->last_came());
                left_ = Clock::now();
                pause_ = kFirstPause;
                had_frames_ = true;
                return frame;
            }
            drop();
        }
        if (cancel_.stop_requested() || has_ended_ || given_up()) break;
        pause();
    }
    if (!has_ended_ || !dropped_.value_or("").empty()) note_drop();
    return std::nullopt;
}

bool LiveReader::connect() {
    Connection c;
    const double left_s = options_.give_up_s - silent().count(), least_s = std::min(options_.give_up_s, kLeastPatience);
    try {
        const bool camera = is_camera(path_);
        c.demuxer = std::make_unique<Demuxer>(path_, cancel_, camera ? camera_format() : nullptr,
                                              Demuxer::silence_of(std::max(left_s, least_s)), options_.stream);
        c.demuxer->set_silence(Demuxer::silence_of(options_.give_up_s));
        has_ended_ = had_frames_ && c.demuxer->is_recording();
        if (has_ended_) return false;
        note_drop();
        const VideoStreamPtr& stream = c.demuxer->stream();
        make_ready(stream);
        c.maker = std::make_unique<FrameMaker>(stream, FrameMaker::Form::engine, target_.cuda_stream);
    } catch (const Forbidden&) {
        throw;  // to ask again is no use, and may lock the account
    } catch (const Error& error) {
        if (cancel_.stop_requested()) return false;
        if (error.kind() != ErrorKind::input || (!is_url(path_) && !had_frames_)) throw;
        refusal_ = error.what();
        return false;
    }
    c.opened = c.first_came = c.demuxer->last_came();
    const InputInfo& info = c.demuxer->info();
    clock_.connect(info.fps_num > 0 ? double(info.fps_den) / info.fps_num : kUsualFrame);
    wall_clock_.connect();
    packet_times_.connect();
    connection_ = std::move(c);
    return true;
}

/// The last connection's decoder goes on where it can: for a new one of NVDEC's the driver takes tens of milliseconds,
/// in which the frames of all other streams wait.
void LiveReader::make_ready(const VideoStreamPtr& stream) {
    const AVCodec* nvdec = cuda_decoder(stream->codec());
    const bool gpu = device_ && !options_.deinterlace && nvdec &&
                     nvdec == avcodec_find_decoder(stream->codec());  // with a CPU's way out
    if (target_.gpu >= 0 && !gpu)
        notes_.fallback = device_ && options_.deinterlace ? "deinterlaced"
                          : device_ ? std::string("GPUs do not decode ") + avcodec_get_name(stream->codec())
                                    : no_device_;
    goes_on_ = can_go_on(stream);
    if (goes_on_) {
        decoder_->move_to(stream);
    } else {
        DecoderOptions options;
        options.threads = 0;
        options.frame_threads = false;  // each would hold back a frame
        options.deinterlace = options_.deinterlace;
        options.stay_open = stay_open_;
        options.time_of = [this](std::int64_t stamp) {
            const Demuxer& demuxer = *connection_->demuxer;
            return clock_.near(demuxer.has_times() ? demuxer.stream()->seconds(stamp) : std::nan(""),
                               demuxer.last_came());
        };
        if (gpu) options.cuda = device_.get();
        decoder_.reset();  // before the next one takes memory
        decoder_ = std::make_unique<Decoder>(stream, stream->extradata(), options);
    }
    stream_ = stream;
    other_headers_ = false;
    length_size_ = ParameterSets(stream->codec(), stream->extradata()).length_size();
    decoder_->begin(0, length_size_, false);
}

bool LiveReader::can_go_on(const VideoStreamPtr& stream) const {
    return decoder_ && (decoder_->on_gpu() || stay_open_) && decoder_->is_sound() && !other_headers_ &&
           same_kind(*stream_, *stream);
}

/// H.264's keyframes may be points of recovery, whose pictures would be made of the last connection's.
bool LiveReader::refers_to_nothing(const AVPacket& packet) const {
    constexpr int kType = 31, kIdr = 5;
    if (stream_->codec() != AV_CODEC_ID_H264) return packet.flags & AV_PKT_FLAG_KEY;
    NalUnits units({packet.data, std::size_t(packet.size)}, length_size_);
    for (ByteSpan unit = units.next(); !unit.empty(); unit = units.next())
        if ((unit[0] & kType) == kIdr) return true;
    return false;
}

void LiveReader::see_senders_clock(double stamp_s) {
    const std::uint8_t* data = av_packet_get_side_data(packet_.get(), AV_PKT_DATA_PRFT, nullptr);
    if (!data) return;
    AVProducerReferenceTime time = {};
    std::memcpy(&time, data, sizeof time);
    wall_clock_.see(double(time.wallclock) / 1e6, stamp_s);
}

/// From the first keyframe on: pictures before it would be grey with moving blots.
const AVPacket* LiveReader::next_packet() {
    Connection& c = *connection_;
    const auto until = std::max(silent_since_, c.opened) + std::chrono::duration<double>(options_.give_up_s);
    const auto read = [&] {
        const bool there = c.demuxer->read(*packet_);
        if (const std::string gap = c.demuxer->take_gap(); !gap.empty())
            note_damage(notes_, name_, clock_.last_s(), gap);
        return there;
    };
    while (Clock::now() < until && read()) {
        packet_times_.note(packet_->pts, Clock::now());
        const double stamp_s = c.demuxer->stream()->seconds(packet_->pts);
        see_senders_clock(stamp_s);
        if (av_packet_get_side_data(packet_.get(), AV_PKT_DATA_NEW_EXTRADATA, nullptr)) other_headers_ = true;
        if (c.begun) return packet_.get();
        if (std::isnan(c.first_s)) c.first_s = stamp_s;
        c.begun = packet_->flags & AV_PKT_FLAG_KEY || ++c.packets_before_keyframe > kLongestWaitForKeyframe;
        if (!c.begun) continue;
        if (goes_on_ && !refers_to_nothing(*packet_)) decoder_->forget();
        if (stamp_s > c.first_s)
            c.first_came +=
                std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(stamp_s - c.first_s));
        return packet_.get();
    }
    return nullptr;
}

std::optional<Frame> LiveReader::next_of_connection() {
    Connection& c = *connection_;
    while (AVFrame* picture = decoder_->next([this] { return next_packet(); }, notes_)) {
        if (cancel_.stop_requested()) break;
        if (target_.gpu >= 0 && device_) {
            notes_.on_gpu = decoder_->on_gpu();
            if (!decoder_->why_cpu().empty()) notes_.fallback = decoder_->why_cpu();
        }
        const PacketTimes::TimePoint packet_at = packet_times_.of(picture->pts);
        if (std::optional<Frame> frame = c.maker->make(*picture)) {
            frame->packet_at = packet_at;
            return frame;
        }
        note_unconvertible(notes_, name_);
    }
    return std::nullopt;
}

/// The connection has ended, for whatever reason: but for a playlist that says so later, live inputs do not end.
void LiveReader::drop() {
    if (cancel_.stop_requested()) return;
    const Demuxer& demuxer = *connection_->demuxer;
    dropped_ = demuxer.why_ended();
    has_ended_ = had_frames_ && demuxer.is_recording();
    refusal_ = "'" + name_ + "' dropped out before its first frame; check that it sends video";
    connection_.reset();
}

void LiveReader::note_drop() {
    constexpr const char* kUnknown = "the stream dropped out";
    if (dropped_) note_damage(notes_, name_, clock_.last_s(), dropped_->empty() ? kUnknown : *dropped_);
    dropped_.reset();
}

bool LiveReader::given_up() {
    if (silent().count() < options_.give_up_s) return false;
    if (!had_frames_) throw Error(ErrorKind::input, refusal_);
    note_drop();
    ++notes_.damaged;
    notes_.first_damage += "; it did not come back in the end and was given up";  // behind what it was dropped for
    return true;
}

void LiveReader::pause() {
    const auto left = std::chrono::duration<double>(options_.give_up_s) - silent();  // then comes the last attempt
    const auto until = Clock::now() + std::min<std::chrono::duration<double>>(pause_, left);
    while (!cancel_.stop_requested() && Clock::now() < until) std::this_thread::sleep_for(kTick);
    pause_ = std::min<Clock::duration>(2 * pause_, kLongestPause);
}

}  // namespace convoy::media
