// SPDX-License-Identifier: MIT
#include "tools/media/out/video_encoder.h"

#include <algorithm>
#include <future>
#include <iterator>
#include <mutex>
#include <new>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

extern "C" {
#include <libavutil/cpu.h>
#include <libavutil/opt.h>
}

#include "tools/media/files.h"
#include "tools/media/out/motion_jpeg.h"
#include "tools/media/out/rgb_to_nv12.h"
#include "tools/media/pictures/rgb_frame.h"

namespace convoy::media {
namespace {

constexpr int kX265Delay = 2;         // frames, which it does not say: of its pyramid of B-frames
constexpr int kX265FrameThreads = 6;  // at the most, as it chooses
constexpr int kSpareThreads = 2;      // one that has ended may count for a moment, and somebody else may want one
constexpr int kMostFps = 1'000'000;   // terms of the rate that x264's 32-bit clock takes

std::string size_text(int w, int h) { return std::to_string(w) + "x" + std::to_string(h); }

const VideoFormat& checked(const std::string& path, const VideoFormat& f) {
    if (f.width <= 0 || f.height <= 0 || f.width > 16384 || f.height > 16384)
        throw_output(path,
                     "a video of " + size_text(f.width, f.height) + " pixels is not possible; each side is 1 to 16384",
                     ErrorKind::usage);
    if (f.crf < -1 || f.crf > 51) throw_output(path, "the constant rate factor is 0 to 51", ErrorKind::usage);
    if (f.fps_num <= 0 || f.fps_den <= 0) throw_output(path, "the frame rate must be positive", ErrorKind::usage);
    const std::string ending = lower_ending(path);
    if (f.encoder == EncoderChoice::jpeg && (ending == "mp4" || ending == "m4v" || ending == "mov"))
        throw_output(path, "Motion JPEG goes into .avi and .mkv; end the name in one of these", ErrorKind::usage);
    if (f.encoder != EncoderChoice::jpeg && ending == "avi")
        throw_output(path, "an .avi takes Motion JPEG only; take the encoder jpeg, or .mp4, .mkv or .mov",
                     ErrorKind::usage);
    return f;
}

/// What the encoders of a codec are called.
struct Names {
    const char *codec, *nvenc, *library;
    AVCodecID id;
};

const Names& names_of(VideoCodec codec) {
    static constexpr Names h264 = {"H.264", "h264_nvenc", "libx264", AV_CODEC_ID_H264},
                           hevc = {"HEVC", "hevc_nvenc", "libx265", AV_CODEC_ID_HEVC};
    return codec == VideoCodec::h264 ? h264 : hevc;
}

/// The encoders to try, in this order.
std::vector<const AVCodec*> candidates(const VideoFormat& f) {
    std::vector<const AVCodec*> found;
    const auto add = [&](const AVCodec* codec) {
        if (codec && std::find(found.begin(), found.end(), codec) == found.end()) found.push_back(codec);
    };
    const Names& names = names_of(f.codec);
    if (f.encoder != EncoderChoice::x264) add(avcodec_find_encoder_by_name(names.nvenc));
    if (f.encoder == EncoderChoice::nvenc) return found;
    const AVCodec* library = avcodec_find_encoder_by_name(names.library);
    add(library ? library : avcodec_find_encoder(names.id));
    return found;
}

/// Its AVX-512 code takes the macroblocks of a row in eights, and what memory holds behind one that does not fill them
/// for part of it (mbtree_propagate_list): the same pictures would give other bits each time. docs/numerics.md
const char* x264_params(int width) {
    const bool rows_fill_eights = (width + 15) / 16 % 8 == 0;
    if (rows_fill_eights || !(av_get_cpu_flags() & AV_CPU_FLAG_AVX512)) return "stitchable=1";
    return "stitchable=1:asm=avx2";
}

/// One thread, or as many as it likes; no word of itself, and segments that need none before them. Rows that are
/// encoded side by side (wpp) would be said in the head of the file, and one thread cannot have them.
std::string x265_params(int threads) {
    return std::string("open-gop=0:info=0:log-level=none:repeat-headers=0:wpp=0") +
           (threads == 1  ? ":pools=none:frame-threads=1"
            : threads > 1 ? ":pools=" + std::to_string(threads)
                          : "");
}

int crf_of(const VideoFormat& f) { return f.crf >= 0 ? f.crf : f.codec == VideoCodec::h264 ? 23 : 28; }

/// An encoder does not know the options of others: setting them does nothing.
void set_options(AVCodecContext& e, const VideoFormat& f, bool nvenc) {
    if (nvenc) {
        e.max_b_frames = 0;  // what it would call their delay differs between versions
        av_opt_set(e.priv_data, "preset", "p4", 0);
        av_opt_set(e.priv_data, "rc", "vbr", 0);
        av_opt_set_int(e.priv_data, "cq", crf_of(f), 0);
        e.bit_rate = 0;
        return;
    }
    av_opt_set(e.priv_data, "preset", f.preset.c_str(), 0);
    av_opt_set_int(e.priv_data, "crf", crf_of(f), 0);
    av_opt_set(e.priv_data, "x264-params", x264_params(e.width), 0);  // stitchable: headers do not depend on pictures
    av_opt_set(e.priv_data, "x265-params", x265_params(f.threads).c_str(), 0);
}

/// Such an encoder copies a picture before it returns: libx264, NVENC.
bool takes_nv12(const AVCodec& codec) {
    const std::string name = codec.name;
    return name == "libx264" || name.ends_with("_nvenc");
}

/// Whether the system gives so many threads at once: each starts the next.
bool gives_threads(int count) {
    try {
        return count <= 0 || std::async(std::launch::async, gives_threads, count - 1).get();
    } catch (const std::system_error&) {
        return false;
    }
}

/// x265 waits for ever for a thread that it did not get.
bool may_hang(const AVCodec& codec, int threads) {
    if (codec.name != std::string("libx265")) return false;
    const int pool = threads > 0 ? threads : int(std::thread::hardware_concurrency());
    return !gives_threads((threads == 1 ? 1 : pool + kX265FrameThreads) + kSpareThreads);
}

/// libav ends the process where it does not get a few bytes for an encoder: std::bad_alloc unless there are many.
void require_memory() { ::operator delete(::operator new(std::size_t(64) << 20)); }

/// Null when it does not open; `code` says why.
CodecPtr try_open(const AVCodec* codec, const VideoFormat& f, int& code) {
    static std::mutex one_at_a_time;  // or what one has tried another takes; libav opens them so, too
    const std::lock_guard lock(one_at_a_time);
    code = AVERROR(EAGAIN);
    if (may_hang(*codec, f.threads)) return nullptr;
    require_memory();
    CodecPtr encoder(avcodec_alloc_context3(codec));
    if (!encoder) throw std::bad_alloc();
    AVCodecContext& e = *encoder;
    e.width = (f.width + 1) & ~1;  // even, as yuv420p needs
    e.height = (f.height + 1) & ~1;
    const bool hd = e.height >= 720;
    e.pix_fmt = takes_nv12(*codec) ? AV_PIX_FMT_NV12 : AV_PIX_FMT_YUV420P;
    e.sample_aspect_ratio = {f.pixel_width, f.pixel_height};
    av_reduce(&e.framerate.num, &e.framerate.den, f.fps_num, f.fps_den, kMostFps);
    e.time_base = av_inv_q(e.framerate);
    e.thread_count = std::max(f.threads, 0);
    e.colorspace = hd ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
    e.color_primaries = hd ? AVCOL_PRI_BT709 : AVCOL_PRI_SMPTE170M;
    e.color_trc = hd ? AVCOL_TRC_BT709 : AVCOL_TRC_SMPTE170M;
    e.color_range = AVCOL_RANGE_MPEG;
    e.flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_CLOSED_GOP;
    set_options(e, f, codec->name == std::string(names_of(f.codec).nvenc));
    e.log_level_offset = 100;  // its statistics are nobody's; errors come as exceptions
    code = avcodec_open2(&e, codec, nullptr);
    return code < 0 ? nullptr : std::move(encoder);
}

CodecPtr open_encoder(const std::string& path, const VideoFormat& f) {
    const std::vector<const AVCodec*> codecs = candidates(f);
    int code = 0;
    VideoFormat alone = f;
    alone.threads = 1;  // for which there are threads and memory where there are none for more
    for (const VideoFormat& format : {f, alone})
        for (const AVCodec* codec : codecs)
            if (CodecPtr encoder = try_open(codec, format, code)) return encoder;
    const Names& names = names_of(f.codec);
    if (codecs.empty())
        throw_output(path,
                     f.encoder == EncoderChoice::nvenc ? std::string("this libav has no NVENC; take another encoder")
                                                       : std::string("this libav has no ") + names.codec +
                                                             " encoder; install an FFmpeg with " + names.library,
                     ErrorKind::unsupported);
    const std::string why = code == AVERROR(EAGAIN) ? " gets too few threads from the system; raise ulimit -u"
                            : code == AVERROR_EXTERNAL
                                ? " refuses " + size_text(f.width, f.height) + " pixels, or gets too little memory"
                                : " refuses " + size_text(f.width, f.height) + " pixels";
    throw_output(
        path,
        std::string("the ") + names.codec + " encoder " + codecs.back()->name + why + " (" + av_message(code) + ")",
        ErrorKind::unsupported);
}

/// A frame whose pixels are those of the picture, which outlives it.
FramePtr frame_over(Nv12Image& image) {
    FramePtr frame(av_frame_alloc());
    if (!frame) throw std::bad_alloc();
    frame->format = AV_PIX_FMT_NV12;
    frame->width = image.width, frame->height = image.height;
    frame->data[0] = image.luma_row(0), frame->data[1] = image.chroma_row(0);
    frame->linesize[0] = frame->linesize[1] = image.pitch();
    // Without a buffer of its own it would be copied.
    frame->buf[0] = av_buffer_create(
        image.bytes.data(), image.bytes.size(), [](void*, std::uint8_t*) {}, nullptr, 0);
    if (!frame->buf[0]) throw std::bad_alloc();
    return frame;
}

/// To the planes of a frame of the same size.
void split_nv12(Nv12Image& image, AVFrame& to) {
    const auto row = [&](int plane, int y) { return to.data[plane] + std::ptrdiff_t(y) * to.linesize[plane]; };
    for (int y = 0; y < image.height; ++y) std::copy_n(image.luma_row(y), image.width, row(0, y));
    for (int y = 0; y < image.chroma_rows(); ++y) {
        const std::uint8_t* from = image.chroma_row(y);
        std::uint8_t *blue = row(1, y), *red = row(2, y);
        for (int x = 0; x < image.width / 2; ++x) blue[x] = from[2 * x], red[x] = from[2 * x + 1];
    }
}

}  // namespace

void EncodedFrames::append(EncodedFrames more) {
    if (more.stream) stream = std::move(more.stream);
    packets.insert(packets.end(), std::make_move_iterator(more.packets.begin()),
                   std::make_move_iterator(more.packets.end()));
}

struct VideoEncoder::Impl {
    Impl(const std::string& path, const VideoFormat& format, std::shared_ptr<JpegEncoders> jpegs);

    EncodedFrames write(Nv12Image& image);
    void open(const VideoFormat& format);
    EncodedFrames encode(const AVFrame* frame);
    void require_going_on() const {
        if (ended_) throw_output(path_, "its encoder was told that this is the end", ErrorKind::usage);
    }
    void check(int code) const {
        if (code < 0) throw_output(path_, std::string(encoder_->codec->name) + " says: " + av_message(code));
    }

    std::string path_;
    int width_, height_;  // of the pictures
    CodecPtr encoder_;
    std::optional<MotionJpeg> jpeg_;  // in its place
    std::shared_ptr<const EncodedStream> stream_;
    FramePtr planar_;  // for an encoder that does not take NV12
    Nv12Image converted_;
    PacketPtr packet_{av_packet_alloc()};
    std::int64_t frames_ = 0;
    bool ended_ = false;
};

VideoEncoder::Impl::Impl(const std::string& path, const VideoFormat& format, std::shared_ptr<JpegEncoders> jpegs)
    : path_(path), width_(checked(path, format).width), height_(format.height) {
    if (format.encoder != EncoderChoice::jpeg) {
        open(format);
        return;
    }
    jpeg_.emplace(path, format, jpegs ? std::move(jpegs) : std::make_shared<JpegEncoders>(format.gpus));
    stream_ = jpeg_->stream();
}

void VideoEncoder::Impl::open(const VideoFormat& format) {
    encoder_ = open_encoder(path_, format);
    auto stream = std::make_shared<EncodedStream>();
    stream->encoder = encoder_->codec->name;
    stream->rate = encoder_->framerate;
    stream->delay = stream->encoder == "libx265" ? kX265Delay : encoder_->has_b_frames;
    stream->parameters.reset(avcodec_parameters_alloc());
    if (!stream->parameters || !packet_) throw std::bad_alloc();
    check(avcodec_parameters_from_context(stream->parameters.get(), encoder_.get()));
    stream_ = std::move(stream);
    converted_.matrix = encoder_->colorspace == AVCOL_SPC_BT709 ? ColorMatrix::bt709 : ColorMatrix::bt601;
    if (encoder_->pix_fmt == AV_PIX_FMT_YUV420P)
        planar_ = new_frame(encoder_->width, encoder_->height, AV_PIX_FMT_YUV420P);
}

/// A picture of the encoder's own size.
EncodedFrames VideoEncoder::Impl::write(Nv12Image& image) {
    FramePtr frame = planar_ ? FramePtr(av_frame_clone(planar_.get())) : frame_over(image);
    if (planar_) {
        check(av_frame_make_writable(frame.get()));
        split_nv12(image, *frame);
    }
    frame->pts = frames_++;
    return encode(frame.get());
}

/// Hands over a picture, null for the end, and takes what comes out.
EncodedFrames VideoEncoder::Impl::encode(const AVFrame* frame) {
    check(avcodec_send_frame(encoder_.get(), frame));
    EncodedFrames out{stream_, {}};
    for (;;) {
        const int code = avcodec_receive_packet(encoder_.get(), packet_.get());
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return out;
        check(code);
        out.packets.push_back(std::move(packet_));
        packet_.reset(av_packet_alloc());
        if (!packet_) throw std::bad_alloc();
    }
}

VideoEncoder::VideoEncoder(const std::string& path, const VideoFormat& format, std::shared_ptr<JpegEncoders> jpegs)
    : impl_(std::make_unique<Impl>(path, format, std::move(jpegs))) {}
VideoEncoder::~VideoEncoder() = default;
VideoEncoder::VideoEncoder(VideoEncoder&&) noexcept = default;
VideoEncoder& VideoEncoder::operator=(VideoEncoder&&) noexcept = default;

EncodedFrames VideoEncoder::write(const Image& image) {
    Impl& e = *impl_;
    e.require_going_on();
    if (image.width != e.width_ || image.height != e.height_)
        throw_output(e.path_,
                     "a picture of " + size_text(image.width, image.height) + " pixels in a video of " +
                         size_text(e.width_, e.height_),
                     ErrorKind::usage);
    if (!image.is_whole()) throw_output(e.path_, "a picture does not have the pixels of its size", ErrorKind::usage);
    if (e.jpeg_) return e.jpeg_->write(view_of(image));
    rgb_to_nv12(image, e.converted_);
    return e.write(e.converted_);
}

EncodedFrames VideoEncoder::write(Nv12Image& image) {
    impl_->require_going_on();
    if (!takes(image))
        throw_output(impl_->path_, "a picture has another size or other colours than its video", ErrorKind::usage);
    return impl_->jpeg_ ? impl_->jpeg_->write(image.view()) : impl_->write(image);
}

bool VideoEncoder::takes(const Nv12Image& image) const {
    if (impl_->jpeg_) return image.is_whole() && image.width == impl_->width_ && image.height == impl_->height_;
    return image.is_whole() && image.width == impl_->encoder_->width && image.height == impl_->encoder_->height &&
           image.range == ColorRange::limited && image.matrix == impl_->converted_.matrix;
}

EncodedFrames VideoEncoder::end() {
    if (std::exchange(impl_->ended_, true) || impl_->jpeg_) return {impl_->stream_, {}};
    return impl_->encode(nullptr);
}

const EncodedStream& VideoEncoder::stream() const { return *impl_->stream_; }

EncoderChoice VideoEncoder::kind() const {
    if (impl_->jpeg_) return EncoderChoice::jpeg;
    return impl_->stream_->encoder.ends_with("nvenc") ? EncoderChoice::nvenc : EncoderChoice::x264;
}

}  // namespace convoy::media
