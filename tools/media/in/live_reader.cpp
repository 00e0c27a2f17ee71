// SPDX-License-Identifier: MIT
#include "tools/media/in/live_reader.h"

#include <algorithm>
#include <thread>
#include <utility>

#include <convoy/error.h>
#include "tools/media/files.h"
#include "tools/media/in/av_cuda.h"
#include "tools/media/in/camera.h"
#include "tools/media/in/damage.h"

namespace convoy::media {
namespace {

constexpr std::chrono::milliseconds kFirstPause{500}, kLongestPause{10000}, kTick{50};
/// Streams that are refreshed bit by bit may have no keyframe at all.
constexpr int kLongestWaitForKeyframe = 300;

}  // namespace

LiveReader::LiveReader(const std::string& path, const InputOptions& options, std::stop_token cancel,
                       const DecodeTarget& target)
    : path_(path),
      name_(without_passwords(path)),
      options_(options),
      cancel_(std::move(cancel)),
      target_(target),
      pause_(kFirstPause),
      last_frame_(Clock::now()) {
    if (target.gpu >= 0) device_ = cuda_device(target, no_device_);
}

void LiveReader::open(std::shared_ptr<const Segment> /*segment*/) {
    connection_.reset();
    notes_ = {};
    pause_ = kFirstPause;
    last_frame_ = Clock::now();
    had_frames_ = must_continue_ = false;
    offset_s_ = 0;
    last_s_ = std::nan("");
}

std::optional<Frame> LiveReader::next() {
    while (!cancel_.stop_requested()) {
        if (connection_ || connect()) {
            if (std::optional<Frame> frame = next_of_connection()) {
                frame->time_s = continued(frame->time_s);
                last_frame_ = Clock::now();
                pause_ = kFirstPause;
                had_frames_ = true;
                return frame;
            }
            drop();
        }
        if (cancel_.stop_requested() || given_up()) break;
        pause();
    }
    return std::nullopt;
}

bool LiveReader::connect() {
    Connection c;
    try {
        const bool camera = is_camera(path_);
        c.demuxer = std::make_unique<Demuxer>(path_, cancel_, camera ? camera_format() : nullptr,
                                              Demuxer::silence_of(options_.give_up_s), options_.stream);
        const VideoStreamPtr& stream = c.demuxer->stream();
        DecoderOptions options;
        options.threads = 0;
        options.frame_threads = false;  // each would hold back a frame
        const AVCodec* nvdec = cuda_decoder(stream->codec());
        options.deinterlace = options_.deinterlace;
        const bool gpu = device_ && !options_.deinterlace && nvdec &&
                         nvdec == avcodec_find_decoder(stream->codec());  // with a CPU's way out
        if (gpu) options.cuda = device_.get();
        if (target_.gpu >= 0 && !gpu)
            notes_.fallback = device_ && options_.deinterlace ? "deinterlaced"
                              : device_ ? std::string("GPUs do not decode ") + avcodec_get_name(stream->codec())
                                        : no_device_;
        c.decoder = std::make_unique<Decoder>(stream, stream->extradata(), options);
        c.maker = std::make_unique<FrameMaker>(stream, FrameMaker::Form::engine, target_.cuda_stream);
    } catch (const Error& error) {
        if (cancel_.stop_requested()) return false;
        if (error.kind() != ErrorKind::input || (!is_url(path_) && !had_frames_)) throw;
        refusal_ = error.what();
        return false;
    }
    connection_ = std::move(c);
    return true;
}

/// From the first keyframe on: pictures before it would be grey with moving blots.
const AVPacket* LiveReader::next_packet() {
    Connection& c = *connection_;
    while (c.demuxer->read(*packet_)) {
        c.begun |= packet_->flags & AV_PKT_FLAG_KEY || ++c.packets_before_keyframe > kLongestWaitForKeyframe;
        if (c.begun) return packet_.get();
    }
    return nullptr;
}

std::optional<Frame> LiveReader::next_of_connection() {
    Connection& c = *connection_;
    while (AVFrame* picture = c.decoder->next([this] { return next_packet(); }, notes_)) {
        if (cancel_.stop_requested()) break;
        if (target_.gpu >= 0 && device_) {
            notes_.on_gpu = c.decoder->on_gpu();
            if (!c.decoder->why_cpu().empty()) notes_.fallback = c.decoder->why_cpu();
        }
        if (std::optional<Frame> frame = c.maker->make(*picture)) return frame;
        note_unconvertible(notes_, name_);
    }
    return std::nullopt;
}

/// The connection has ended, for whatever reason: live inputs do not end by themselves.
void LiveReader::drop() {
    if (cancel_.stop_requested()) return;
    if (connection_->demuxer->notes().damaged > 0)
        add_damage(notes_, connection_->demuxer->notes());
    else
        note_damage(notes_, name_, last_s_, "the stream dropped out");
    refusal_ = "'" + name_ + "' dropped out before its first frame; check that it sends video";
    connection_.reset();
    must_continue_ = true;
}

bool LiveReader::given_up() {
    if (Clock::now() - last_frame_ + pause_ < std::chrono::duration<double>(options_.give_up_s)) return false;
    if (!had_frames_) throw Error(ErrorKind::input, refusal_);
    note_damage(notes_, name_, last_s_, "it did not come back and was given up");
    return true;
}

void LiveReader::pause() {
    const auto until = Clock::now() + pause_;
    while (!cancel_.stop_requested() && Clock::now() < until) std::this_thread::sleep_for(kTick);
    pause_ = std::min<Clock::duration>(2 * pause_, kLongestPause);
}

/// A connection's stamps begin anywhere; ours go on by the clock on the wall.
double LiveReader::continued(double stamp_s) {
    if (!std::isfinite(stamp_s)) return stamp_s;
    if (std::isfinite(last_s_) && (std::exchange(must_continue_, false) || stamp_s + offset_s_ < last_s_))
        offset_s_ = last_s_ + std::chrono::duration<double>(Clock::now() - last_frame_).count() - stamp_s;
    return last_s_ = stamp_s + offset_s_;
}

}  // namespace convoy::media
