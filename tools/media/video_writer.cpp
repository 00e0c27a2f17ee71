// SPDX-License-Identifier: MIT
#include "tools/media/video_writer.h"

#include <algorithm>
#include <cmath>
#include <new>

extern "C" {
#include <libavutil/opt.h>
}

#include "darknet_loader/error.h"
#include "tools/media/av_handles.h"
#include "tools/media/files.h"
#include "tools/media/rgb_frame.h"

namespace convoy::media {
namespace {

constexpr AVRational kTick = {1, 90000};

std::string size_text(int w, int h) { return std::to_string(w) + "x" + std::to_string(h); }

}  // namespace

struct VideoWriter::Impl {
    Impl(const std::string& path, const VideoFormat& format);

    void open_encoder();
    void open_container();
    void open_scaler();
    void write(const Image& image, double time_s);
    void encode(const AVFrame* frame);
    void close();
    void check(int code) const {
        if (code < 0) throw_output(path_, av_message(code));
    }

    std::string path_;
    VideoFormat format_;
    int width_, height_;  // even, as yuv420p needs
    const AVOutputFormat* container_;
    OutputFile file_;
    MuxerPtr muxer_;
    AVStream* stream_ = nullptr;
    CodecPtr encoder_;
    ScalerPtr scaler_;
    FramePtr rgb_, frame_;
    PacketPtr packet_{av_packet_alloc()};
    std::int64_t last_tick_ = -1;
};

namespace {

const AVOutputFormat* container_of(const std::string& path) {
    const std::string ending = lower_ending(path);
    if (ending == "mp4" || ending == "m4v") return av_guess_format("mp4", nullptr, nullptr);
    if (ending == "mkv") return av_guess_format("matroska", nullptr, nullptr);
    if (ending == "mov") return av_guess_format("mov", nullptr, nullptr);
    throw Error(ErrorKind::usage, "cannot write '" + path + "': end the name of a video in .mp4, .mkv or .mov");
}

const VideoFormat& checked(const std::string& path, const VideoFormat& f) {
    if (f.width <= 0 || f.height <= 0 || f.width > 16384 || f.height > 16384)
        throw Error(ErrorKind::usage, "cannot write '" + path + "': a video of " + size_text(f.width, f.height) +
                                          " pixels is not possible; each side is 1 to 16384");
    if (f.fps_num <= 0 || f.fps_den <= 0)
        throw Error(ErrorKind::usage, "cannot write '" + path + "': the frame rate must be positive");
    return f;
}

}  // namespace

VideoWriter::Impl::Impl(const std::string& path, const VideoFormat& format)
    : path_(path),
      format_(checked(path, format)),
      width_((format.width + 1) & ~1),
      height_((format.height + 1) & ~1),
      container_(container_of(path)),
      file_(path) {
    open_encoder();
    open_container();
    open_scaler();
}

void VideoWriter::Impl::open_encoder() {
    const AVCodec* codec = avcodec_find_encoder_by_name("libx264");
    if (!codec) codec = avcodec_find_encoder(AV_CODEC_ID_H264);
    if (!codec || !container_)
        throw Error(ErrorKind::unsupported, "cannot write '" + path_ +
                                                "': this libav has no H.264 encoder or no such container; install an "
                                                "FFmpeg with libx264");
    encoder_.reset(avcodec_alloc_context3(codec));
    if (!encoder_) throw std::bad_alloc();
    AVCodecContext& e = *encoder_;
    const bool hd = height_ >= 720;
    e.width = width_;
    e.height = height_;
    e.pix_fmt = AV_PIX_FMT_YUV420P;
    e.time_base = kTick;
    e.framerate = {format_.fps_num, format_.fps_den};
    e.thread_count = std::max(format_.threads, 0);
    e.colorspace = hd ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
    e.color_primaries = hd ? AVCOL_PRI_BT709 : AVCOL_PRI_SMPTE170M;
    e.color_trc = hd ? AVCOL_TRC_BT709 : AVCOL_TRC_SMPTE170M;
    e.color_range = AVCOL_RANGE_MPEG;
    if (container_->flags & AVFMT_GLOBALHEADER) e.flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    // Encoders other than x264 do not know these and keep their own defaults.
    av_opt_set(e.priv_data, "preset", "veryfast", 0);
    av_opt_set(e.priv_data, "crf", "23", 0);
    const int code = avcodec_open2(&e, codec, nullptr);
    if (code < 0)
        throw Error(ErrorKind::unsupported, "cannot write '" + path_ + "': the H.264 encoder " + codec->name +
                                                " refuses " + size_text(width_, height_) + " pixels (" +
                                                av_message(code) + ")");
}

void VideoWriter::Impl::open_container() {
    // The muxer opens this name a second time when it moves the index to the front.
    const std::string location = "file:" + file_.temporary();
    AVFormatContext* raw = nullptr;
    check(avformat_alloc_output_context2(&raw, container_, nullptr, location.c_str()));
    muxer_.reset(raw);
    stream_ = avformat_new_stream(raw, nullptr);
    if (!stream_) throw std::bad_alloc();
    stream_->time_base = kTick;
    stream_->avg_frame_rate = encoder_->framerate;
    check(avcodec_parameters_from_context(stream_->codecpar, encoder_.get()));
    check(avio_open(&raw->pb, location.c_str(), AVIO_FLAG_WRITE));
    AVDictionary* options = nullptr;
    av_dict_set(&options, "movflags", "+faststart", 0);
    const int code = avformat_write_header(raw, &options);
    av_dict_free(&options);
    check(code);
}

void VideoWriter::Impl::open_scaler() {
    scaler_.reset(sws_getContext(width_, height_, AV_PIX_FMT_RGB24, width_, height_, AV_PIX_FMT_YUV420P, SWS_BILINEAR,
                                 nullptr, nullptr, nullptr));
    if (!scaler_) throw std::bad_alloc();
    const int* matrix = sws_getCoefficients(encoder_->colorspace);
    sws_setColorspaceDetails(scaler_.get(), matrix, 1, matrix, 0, 0, 1 << 16, 1 << 16);
    rgb_ = new_frame(width_, height_, AV_PIX_FMT_RGB24);
    frame_ = new_frame(width_, height_, AV_PIX_FMT_YUV420P);
}

void VideoWriter::Impl::write(const Image& image, double time_s) {
    if (!muxer_) throw Error(ErrorKind::usage, "cannot write '" + path_ + "': it is closed already");
    if (image.width != format_.width || image.height != format_.height)
        throw Error(ErrorKind::usage, "cannot write '" + path_ + "': a picture of " +
                                          size_text(image.width, image.height) + " pixels in a video of " +
                                          size_text(format_.width, format_.height));
    check(av_frame_make_writable(frame_.get()));
    copy_repeating_edges(image, *rgb_);
    sws_scale(scaler_.get(), rgb_->data, rgb_->linesize, 0, height_, frame_->data, frame_->linesize);
    const double tick = time_s * kTick.den;
    // Also takes NaN, and times too far off for a container, to the next tick.
    last_tick_ = tick > double(last_tick_) && tick < 1e15 ? std::max<std::int64_t>(std::llround(tick), last_tick_ + 1)
                                                          : last_tick_ + 1;
    frame_->pts = last_tick_;
    encode(frame_.get());
}

/// Hands a picture to the encoder, null for the end, and what comes out to the container.
void VideoWriter::Impl::encode(const AVFrame* frame) {
    check(avcodec_send_frame(encoder_.get(), frame));
    for (;;) {
        const int code = avcodec_receive_packet(encoder_.get(), packet_.get());
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return;
        check(code);
        packet_->stream_index = stream_->index;
        if (packet_->duration <= 0) packet_->duration = av_rescale_q(1, av_inv_q(encoder_->framerate), kTick);
        av_packet_rescale_ts(packet_.get(), kTick, stream_->time_base);
        check(av_interleaved_write_frame(muxer_.get(), packet_.get()));
    }
}

void VideoWriter::Impl::close() {
    if (!muxer_) return;
    if (last_tick_ < 0) throw_output(path_, "not one picture was written to it, so no file was made");
    encode(nullptr);
    check(av_write_trailer(muxer_.get()));
    const int earlier = muxer_->pb->error;
    const int code = avio_closep(&muxer_->pb);
    muxer_.reset();
    check(earlier);
    check(code);
    file_.commit();
}

VideoWriter::VideoWriter(const std::string& path, const VideoFormat& format)
    : impl_(std::make_unique<Impl>(path, format)) {}
VideoWriter::~VideoWriter() = default;
VideoWriter::VideoWriter(VideoWriter&&) noexcept = default;
VideoWriter& VideoWriter::operator=(VideoWriter&&) noexcept = default;

void VideoWriter::write(const Image& image, double time_s) { impl_->write(image, time_s); }
void VideoWriter::close() { impl_->close(); }

}  // namespace convoy::media
