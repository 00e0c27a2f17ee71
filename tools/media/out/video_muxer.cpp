// SPDX-License-Identifier: MIT
#include "tools/media/out/video_muxer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <new>
#include <utility>

extern "C" {
#include <libavutil/opt.h>
}

#include "tools/media/out/plain_mp4.h"

namespace convoy::media {
namespace {

/// What the container counts times in.
AVRational tick_of(const AVOutputFormat* container) {
    return container->name == std::string("matroska") ? AVRational{1, 1000} : AVRational{1, 90000};
}

constexpr double kFlush_s = 1;

const AVOutputFormat* container_of(const std::string& path) {
    const std::string ending = lower_ending(path);
    const char* name = ending == "mp4" || ending == "m4v" ? "mp4"
                       : ending == "mkv"                  ? "matroska"
                       : ending == "mov"                  ? "mov"
                       : ending == "avi"                  ? "avi"
                                                          : nullptr;
    if (!name) throw_output(path, "end the name of a video in .mp4, .mkv, .mov or .avi", ErrorKind::usage);
    const AVOutputFormat* container = av_guess_format(name, nullptr, nullptr);
    if (!container)
        throw_output(path, "this libav has no such container; install a complete FFmpeg", ErrorKind::unsupported);
    return container;
}

/// Whether one description at the file's start, and one delay, is right for the frames of both.
bool can_follow(const EncodedStream& a, const EncodedStream& b) {
    const AVCodecParameters &p = *a.parameters, &q = *b.parameters;
    return p.width == q.width && p.height == q.height && p.extradata_size == q.extradata_size &&
           (p.extradata_size == 0 || std::memcmp(p.extradata, q.extradata, std::size_t(p.extradata_size)) == 0) &&
           a.delay == b.delay;
}

std::string describe(const EncodedStream& s) {
    return s.encoder + ", " + std::to_string(s.parameters->width) + "x" + std::to_string(s.parameters->height) + ", " +
           std::to_string(s.rate.num) + "/" + std::to_string(s.rate.den) + " frames/s";
}

}  // namespace

VideoMuxer::VideoMuxer(const std::string& path, GiveUp give_up)
    : path_(path),
      container_(container_of(path)),
      tick_(tick_of(container_)),
      file_(path),
      give_up_(std::move(give_up)) {
    if (file_.is_direct() && is_stream(path) && container_->name != std::string("matroska"))
        throw_output(path,
                     "it is a pipe or a device, and a video of this kind goes back to its begin at the end; take .mkv");
}

void VideoMuxer::check(int code) {
    if (code >= 0) return;
    if (!pipe_ || pipe_->reason().empty()) fail(av_message(code));
    // How many frames these are nobody knows: libav keeps some back.
    fail(pipe_->reason() + "; " + std::to_string(pipe_->written()) + " bytes have gone out");
}

void VideoMuxer::fail(const std::string& reason) {
    failure_ = reason;
    throw_output(path_, reason);
}

void VideoMuxer::require_open() const {
    if (!failure_.empty()) throw_output(path_, failure_);
    if (closed_) throw_output(path_, "it is closed already", ErrorKind::usage);
}

/// A video is one gapless row of frames: nothing may follow a part that is not all there.
void VideoMuxer::require_whole() const {
    if (is_whole()) return;
    throw_output(path_,
                 "of the frames up to number " + std::to_string(frames_) + ", " + std::to_string(packets_) +
                     " are there with their times, " + std::to_string(waiting_.size()) + " without",
                 ErrorKind::usage);
}

void VideoMuxer::append(EncodedFrames frames, std::span<const double> times_s) {
    require_open();
    const bool begins = frames.stream && frames.stream != stream_;
    if (begins) begin_stream(std::move(frames.stream));
    waiting_.insert(waiting_.end(), std::make_move_iterator(frames.packets.begin()),
                    std::make_move_iterator(frames.packets.end()));
    for (const double time_s : times_s) add_time(time_s);
    write_waiting();
    // A part that is all there; or one that grows, as a camera's does, whose encoder holds some frames back.
    const bool grows = packets_ > 0 && double(ticks_.back() - flushed_at_) * av_q2d(tick_) >= kFlush_s;
    if (grows || (begins && packets_ > 0 && is_whole())) flush();
}

/// What was written so far is in the file, and plays, whatever becomes of this process.
void VideoMuxer::flush() {
    if (sound_ && !sound_->is_described()) return;
    check(av_interleaved_write_frame(muxer_.get(), nullptr));
    for (int index_then_fragment = 0; index_then_fragment < 2; ++index_then_fragment)
        check(av_write_frame(muxer_.get(), nullptr));
    avio_flush(muxer_->pb);
    check(muxer_->pb->error);
    // How long the last frame is shown is known only with the next: the next fragment has a time of its own.
    if (is_mp4(container_)) check(av_opt_set(muxer_->priv_data, "movflags", "+frag_discont", 0));
    flushed_at_ = ticks_.back();
}

void VideoMuxer::copy_sound(const std::string& recording, double origin_s) {
    if (muxer_) throw_output(path_, "its tracks are there already", ErrorKind::usage);
    sound_.emplace(recording, RecordingCopy::Tracks::sound);
    step_sound(-std::numeric_limits<double>::infinity(), origin_s);
}

void VideoMuxer::step_sound(double from_s, double earlier_s) {
    if (sound_) sound_->add_step(from_s, earlier_s);
}

void VideoMuxer::copy_sound_until(double time_s) {
    if (sound_) check(sound_->write_until(time_s, *muxer_));
}

void VideoMuxer::begin_stream(std::shared_ptr<const EncodedStream> stream) {
    require_whole();
    if (stream_ && !can_follow(*stream_, *stream))
        throw_output(path_,
                     "the frames from number " + std::to_string(frames_) + " on (" + describe(*stream) +
                         ") were encoded otherwise than those before (" + describe(*stream_) +
                         "), and a video has one description of all",
                     ErrorKind::unsupported);
    stream_ = std::move(stream);
    first_frame_ = frames_;
    if (!muxer_) open_container();
}

void VideoMuxer::open_container() {
    if (container_->name == std::string("avi")) tick_ = av_inv_q(stream_->rate);  // it has no times but these
    const std::string location = "file:" + file_.temporary();
    AVFormatContext* raw = nullptr;
    check(avformat_alloc_output_context2(&raw, container_, nullptr, location.c_str()));
    muxer_.reset(raw);
    track_ = avformat_new_stream(raw, nullptr);
    if (!track_) throw std::bad_alloc();
    track_->time_base = tick_;
    track_->avg_frame_rate = stream_->rate;
    check(avcodec_parameters_copy(track_->codecpar, stream_->parameters.get()));
    track_->sample_aspect_ratio = track_->codecpar->sample_aspect_ratio;
    if (track_->codecpar->codec_id == AV_CODEC_ID_HEVC && container_->name != std::string("matroska"))
        track_->codecpar->codec_tag = MKTAG('h', 'v', 'c', '1');  // which players of Apple's insist on
    if (sound_) sound_->add_tracks(*raw);
    if (file_.is_direct() && is_stream(file_.temporary())) {
        pipe_ = std::make_unique<OutputStream>(file_.temporary(), give_up_);
        pipe_io_ = avio_over(*pipe_);
        raw->pb = pipe_io_.get();
        raw->flags |= AVFMT_FLAG_CUSTOM_IO;
    } else {
        check(avio_open(&raw->pb, location.c_str(), AVIO_FLAG_WRITE));
    }
    AVDictionary* options = nullptr;
    // So that what is there plays however this ends; close() makes it plain.
    av_dict_set(&options, "movflags", "+frag_custom+delay_moov+default_base_moof", 0);
    const int code = avformat_write_header(raw, &options);
    av_dict_free(&options);
    check(code);
    raw->flags |=
        AVFMT_FLAG_AUTO_BSF;  // which fragments switch off, since an index in front would come too early for it
    nominal_ = std::max<std::int64_t>(av_rescale_q(1, av_inv_q(stream_->rate), tick_), 1);
}

void VideoMuxer::add_time(double time_s) {
    const std::int64_t last = ticks_.empty() ? -1 : ticks_.back();
    const double at = time_s * tick_.den / tick_.num;
    // Also takes NaN, and times too far off for a container, to the next tick.
    ticks_.push_back(at > double(last) && at < 1e15 ? std::max<std::int64_t>(std::llround(at), last + 1) : last + 1);
    ++frames_;
}

std::int64_t VideoMuxer::tick(std::int64_t frame) const {
    return frame < 0 ? ticks_.front() + frame * nominal_ : ticks_[std::size_t(frame - first_tick_)];
}

/// From the packet's decoding to the next one's; where that is not known yet, no longer than it can be.
std::int64_t VideoMuxer::duration_of(std::int64_t packet) const {
    const std::int64_t next = packet + 1 - stream_->delay;
    return next < frames_ ? tick(next) - tick(next - 1) : 1;
}

/// The packets whose frames have times by now.
void VideoMuxer::write_waiting() {
    for (; !waiting_.empty(); ++packets_, waiting_.pop_front()) {
        AVPacket& packet = *waiting_.front();
        const std::int64_t frame = first_frame_ + packet.pts;
        if (frame >= frames_) return;
        if (frame < packets_ - stream_->delay)
            fail("the encoder " + stream_->encoder + " delays frames by more than it has said");
        packet.pts = tick(frame);
        packet.dts = tick(packets_ - stream_->delay);
        packet.duration = duration_of(packets_);
        longest_wait_ = std::max(longest_wait_, packet.pts - packet.dts);
        copy_sound_until(double(packet.dts) * av_q2d(tick_));
        packet.stream_index = track_->index;
        packet.pos = -1;
        av_packet_rescale_ts(&packet, tick_, track_->time_base);
        check(av_interleaved_write_frame(muxer_.get(), &packet));
        for (; first_tick_ < packets_ + 1 - stream_->delay && ticks_.size() > 1; ++first_tick_) ticks_.pop_front();
    }
}

void VideoMuxer::close(bool whole, double last_frame_s) {
    if (closed_) return;
    require_open();
    if (frames_ == 0) throw_output(path_, "not one picture was written to it, so no file was made");
    require_whole();
    copy_sound_until(whole ? std::numeric_limits<double>::infinity()
                           : double(ticks_.back() + nominal_) * av_q2d(tick_));
    if (sound_ && is_mp4(container_)) check(sound_->describe_at_last(*muxer_));
    check(av_write_trailer(muxer_.get()));
    check(muxer_->pb->error);
    check(pipe_ ? (pipe_->close() ? 0 : AVERROR_EXIT) : avio_closep(&muxer_->pb));
    muxer_.reset();
    closed_ = true;
    if (!is_mp4(container_) || file_.is_direct()) return file_.commit();
    const std::int64_t last = std::llround(last_frame_s / av_q2d(tick_));
    try {
        OutputFile plain(path_);
        copy_as_plain_mp4(file_.temporary(), plain.temporary(), path_, *container_,
                          frames_ + (sound_ ? sound_->written() : 0),
                          av_mul_q({int(last > 0 ? last : nominal_), 1}, tick_), longest_wait_);
        plain.commit();
    } catch (const Error& error) {
        file_.commit();
        throw Error(error.kind(), std::string(error.what()) + "; '" + path_ +
                                      "' is whole, but made of fragments, which not every program can read");
    }
    file_.discard();
}

}  // namespace convoy::media
