// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <thread>
#include <utility>
#include <vector>

#include "darknet_loader/error.h"
#include "tools/media/av_compat.h"
#include "tools/media/av_handles.h"
#include "tools/media/files.h"
#include "tools/media/frame_pool.h"
#include "tools/media/limits.h"
#include "tools/media/open_sources.h"
#include "tools/media/orientation.h"
#include "tools/media/rgb_converter.h"

namespace convoy::media {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kSilence{30};  // longest wait for a URL
constexpr double kDefaultRate = 25;           // frames/s where neither time stamps nor the container tell

/// Text and binary files that libav would draw as a terminal's screen.
bool is_text_art(AVCodecID id) {
    return id == AV_CODEC_ID_ANSI || id == AV_CODEC_ID_BINTEXT || id == AV_CODEC_ID_XBIN || id == AV_CODEC_ID_IDF;
}

class VideoSource : public Source {
public:
    VideoSource(const std::string& path, const SourceOptions& options) {
        info_.path = path;
        open_container();
        open_decoder(options.threads);
        describe();
        pending_ = decode();
        if (!pending_)
            fail("has a video stream but not one frame that can be decoded" +
                 (first_damage_.empty() ? std::string() : " (" + first_damage_ + ")") + "; copy or record it again");
        info_.width = pending_->pixels.width;
        info_.height = pending_->pixels.height;
    }

    const SourceInfo& info() const override { return info_; }
    std::int64_t damaged() const override { return damaged_; }
    const std::string& first_damage() const override { return first_damage_; }
    std::optional<Frame> next() override { return pending_ ? std::exchange(pending_, std::nullopt) : decode(); }

private:
    [[noreturn]] void fail(const std::string& what) const {
        throw Error(ErrorKind::input, "'" + info_.path + "' " + what);
    }

    void note_damage(const std::string& what) {
        if (damaged_++ == 0)
            first_damage_ = "'" + info_.path + "', near frame " + std::to_string(frames_) + ": " + what;
    }

    void open_container();
    void open_decoder(int threads);
    void describe();
    std::optional<Frame> decode();
    bool receive();
    void feed();
    bool read_packet();
    void check_cut_short();
    bool deliver(Frame& out);
    double time_of(const AVFrame& frame);

    SourceInfo info_;
    Clock::time_point deadline_ = Clock::time_point::max();
    DemuxerPtr demuxer_;
    AVStream* stream_ = nullptr;
    CodecPtr decoder_;
    FramePtr decoded_{av_frame_alloc()};
    PacketPtr packet_{av_packet_alloc()};
    RgbConverter converter_;
    FramePool pool_;
    std::vector<std::uint8_t> unturned_;  // RGB as stored, when the video is shown turned
    Orientation orientation_ = 1;
    bool draining_ = false, ended_ = false;
    int drain_errors_ = 0;

    std::optional<Frame> pending_;  // the first frame, decoded to know that there is one
    std::int64_t frames_ = 0, damaged_ = 0;
    std::string first_damage_;
    double frame_s_ = 1 / kDefaultRate;
    double expected_s_ = 0;           // time of the next frame if it has no stamp
    std::optional<double> origin_s_;  // container time of the first frame
};

void VideoSource::open_container() {
    const bool url = is_url(info_.path);
    if (!url) require_readable(info_.path);
    AVFormatContext* raw = avformat_alloc_context();
    if (!raw) throw std::bad_alloc();
    if (url) {
        raw->interrupt_callback = {
            [](void* self) { return int(Clock::now() > static_cast<VideoSource*>(self)->deadline_); }, this};
        deadline_ = Clock::now() + kSilence;
    }
    const std::string location = url ? info_.path : "file:" + info_.path;
    int code = avformat_open_input(&raw, location.c_str(), nullptr, nullptr);
    if (code < 0 && url) fail("cannot be opened (" + av_message(code) + "); check the address and the network");
    if (code < 0)
        fail("is no video or picture that can be read (" + av_message(code) +
             "); if it should be one, it is cut short or damaged: copy or record it again");
    demuxer_.reset(raw);

    // Finding the streams may decode a frame of each, which obeys no limit but this.
    std::vector<AVDictionary*> limits(demuxer_->nb_streams, nullptr);
    for (AVDictionary*& d : limits) av_dict_set_int(&d, "max_pixels", kMaxPixels, 0);
    const std::size_t streams = limits.size();
    code = avformat_find_stream_info(demuxer_.get(), limits.data());
    for (std::size_t i = 0; i < streams; ++i) av_dict_free(&limits[i]);
    if (code < 0) fail("cannot be read (" + av_message(code) + "); it may be cut short: copy or record it again");
}

void VideoSource::open_decoder(int threads) {
    const AVCodec* codec = nullptr;
    const int index = av_find_best_stream(demuxer_.get(), AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
    if (index == AVERROR_DECODER_NOT_FOUND) fail("holds a video of a kind that this libav cannot decode");
    // Cover pictures of songs are video streams to libav.
    if (index < 0 || demuxer_->streams[index]->disposition & AV_DISPOSITION_ATTACHED_PIC ||
        is_text_art(demuxer_->streams[index]->codecpar->codec_id))
        fail("holds no video stream; give a video or picture");
    stream_ = demuxer_->streams[index];
    for (unsigned i = 0; i < demuxer_->nb_streams; ++i)
        if (int(i) != index) demuxer_->streams[i]->discard = AVDISCARD_ALL;

    decoder_.reset(avcodec_alloc_context3(codec));
    if (!decoder_) throw std::bad_alloc();
    int code = avcodec_parameters_to_context(decoder_.get(), stream_->codecpar);
    decoder_->pkt_timebase = stream_->time_base;
    decoder_->max_pixels = kMaxPixels;
    decoder_->flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT;  // else the frames after a lost keyframe vanish without an error
    decoder_->thread_count = std::max(threads, 0);
    decoder_->thread_type = FF_THREAD_FRAME | FF_THREAD_SLICE;
    if (code >= 0) code = avcodec_open2(decoder_.get(), codec, nullptr);
    if (code < 0)
        fail(std::string("holds ") + codec->name + " video that cannot be decoded (" + av_message(code) + ")");
}

void VideoSource::describe() {
    info_.is_video = true;
    const AVRational rate = av_guess_frame_rate(demuxer_.get(), stream_, nullptr);
    if (rate.num > 0 && rate.den > 0) {
        info_.fps_num = rate.num;
        info_.fps_den = rate.den;
        frame_s_ = 1 / av_q2d(rate);
    }
    if (stream_->duration > 0)
        info_.duration_s = double(stream_->duration) * av_q2d(stream_->time_base);
    else if (demuxer_->duration > 0)
        info_.duration_s = double(demuxer_->duration) / AV_TIME_BASE;
    info_.frames_estimate = stream_->nb_frames;
    if (info_.frames_estimate <= 0 && info_.fps_num > 0)
        info_.frames_estimate = std::llround(std::min(info_.duration_s / frame_s_, 1e15));
    orientation_ = from_display_matrix(display_matrix(stream_));
}

std::optional<Frame> VideoSource::decode() {
    Frame frame;
    while (!ended_ && receive())
        if (deliver(frame)) return frame;
    if (!std::exchange(ended_, true)) check_cut_short();
    return std::nullopt;
}

/// The decoder's next picture into decoded_; false at the end.
bool VideoSource::receive() {
    for (;;) {
        const int code = avcodec_receive_frame(decoder_.get(), decoded_.get());
        if (code >= 0) return true;
        if (code == AVERROR_EOF) return false;
        if (code == AVERROR(EAGAIN) && !draining_) {
            feed();
            continue;
        }
        note_damage("a picture could not be decoded (" + av_message(code) + ")");
        // Each frame still inside may fail on its own, but there are no more of them than threads and references.
        if (draining_ && ++drain_errors_ > 1000) return false;
    }
}

void VideoSource::feed() {
    const bool more = read_packet();
    draining_ = !more;
    const int code = avcodec_send_packet(decoder_.get(), more ? packet_.get() : nullptr);
    if (code < 0 && code != AVERROR_EOF) note_damage("a packet could not be decoded (" + av_message(code) + ")");
    av_packet_unref(packet_.get());
}

/// The stream's next packet into packet_; false at the end, which comes early when the container is damaged.
bool VideoSource::read_packet() {
    for (int retries = 0;;) {
        if (is_url(info_.path)) deadline_ = Clock::now() + kSilence;
        const int code = av_read_frame(demuxer_.get(), packet_.get());
        if (code >= 0 && packet_->stream_index == stream_->index) return true;
        if (code >= 0) {
            av_packet_unref(packet_.get());
        } else if (code == AVERROR(EAGAIN) && ++retries < 100) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        } else {
            if (code != AVERROR_EOF) note_damage("reading ended early (" + av_message(code) + ")");
            return false;
        }
    }
}

/// libav takes a file that is cut short for one that ends; an index that names bytes behind the end, or a stated
/// duration that is not reached, tells.
void VideoSource::check_cut_short() {
    const int entries = avformat_index_get_entries_count(stream_);
    const std::int64_t size = demuxer_->pb ? avio_size(demuxer_->pb) : -1;
    const AVIndexEntry* last = entries > 0 ? avformat_index_get_entry(stream_, entries - 1) : nullptr;
    const bool bytes_missing = last && size > 0 && last->pos + last->size > size;
    const bool stated = demuxer_->duration_estimation_method == AVFMT_DURATION_FROM_STREAM;
    // Some containers count the duration from zero, some from the first time stamp.
    const double end_s = expected_s_ + std::max(origin_s_.value_or(0), 0.);
    const double missing_s = double(demuxer_->duration) / AV_TIME_BASE - end_s;
    // A sound track may be a little longer than the video.
    if (bytes_missing || (stated && missing_s > std::max(1., .1 * expected_s_)))
        note_damage("the file is cut short, the rest of the video is missing");
}

bool VideoSource::deliver(Frame& out) {
    AVFrame& frame = *decoded_;
    // A picture that was decoded in part is worth more than a gap in the count of frames.
    if (frame.flags & AV_FRAME_FLAG_CORRUPT || frame.decode_error_flags) note_damage("a picture is damaged in part");
    const double time_s = time_of(frame);
    const int w = frame.width, h = frame.height;
    const int stored_pitch = RgbConverter::pitch(w);
    const bool turned = orientation_ != 1, swapped = swaps_axes(orientation_);
    const int out_w = swapped ? h : w, out_h = swapped ? w : h, pitch = RgbConverter::pitch(out_w);
    const std::shared_ptr<std::uint8_t> pixels = pool_.take(std::size_t(pitch) * out_h);
    if (turned) unturned_.resize(std::size_t(stored_pitch) * h);
    const bool converted = converter_.convert(frame, turned ? unturned_.data() : pixels.get(), stored_pitch);
    if (converted && turned) orient(orientation_, unturned_.data(), stored_pitch, w, h, pixels.get(), pitch);
    av_frame_unref(decoded_.get());
    if (!converted) {
        note_damage("a picture's pixel format cannot be converted to RGB");
        return false;
    }
    out = Frame{};
    out.pixels.plane[0] = pixels.get();
    out.pixels.pitch[0] = pitch;
    out.pixels.width = out_w;
    out.pixels.height = out_h;
    out.owner = pixels;
    out.index = frames_++;
    out.time_s = time_s;
    return true;
}

double VideoSource::time_of(const AVFrame& frame) {
    double time_s = expected_s_;
    if (frame.best_effort_timestamp != AV_NOPTS_VALUE) {
        const double stamp_s = double(frame.best_effort_timestamp) * av_q2d(stream_->time_base);
        if (!origin_s_) origin_s_ = stamp_s - expected_s_;
        time_s = stamp_s - *origin_s_;
    }
    expected_s_ = time_s + frame_s_;
    return time_s;
}

}  // namespace

std::unique_ptr<Source> open_video(const std::string& path, const SourceOptions& options) {
    return std::make_unique<VideoSource>(path, options);
}

}  // namespace convoy::media
