// SPDX-License-Identifier: MIT
#include "tools/media/pictures/av_picture.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>

#include "tools/media/av_compat.h"
#include "tools/media/av_io.h"
#include "tools/media/colours.h"
#include "tools/media/limits.h"
#include "tools/media/pictures/rgb_converter.h"
#include "tools/media/reach.h"

extern "C" {
#include <libavutil/pixdesc.h>
}

namespace convoy::media {
namespace {

constexpr int kBufferBytes = 1 << 16;
constexpr std::size_t kProbed = 1 << 16;

/// A file in memory as libav reads it.
struct MemoryFile {
    std::span<const std::uint8_t> bytes;
    std::int64_t at = 0;

    static int read(void* self, std::uint8_t* to, int size) {
        auto& file = *static_cast<MemoryFile*>(self);
        const std::int64_t n = std::min<std::int64_t>(size, std::int64_t(file.bytes.size()) - file.at);
        if (n <= 0) return AVERROR_EOF;
        std::memcpy(to, file.bytes.data() + file.at, std::size_t(n));
        file.at += n;
        return int(n);
    }
    static std::int64_t seek(void* self, std::int64_t offset, int whence) {
        auto& file = *static_cast<MemoryFile*>(self);
        const auto size = std::int64_t(file.bytes.size());
        if (whence & AVSEEK_SIZE) return size;
        whence &= ~AVSEEK_FORCE;
        const std::int64_t to = offset + (whence == SEEK_CUR ? file.at : whence == SEEK_END ? size : 0);
        if (to < 0 || to > size) return AVERROR(EINVAL);
        return file.at = to;
    }
};

AvioPtr open_memory(MemoryFile& file) {
    auto* buffer = static_cast<unsigned char*>(av_malloc(kBufferBytes));
    if (!buffer) throw std::bad_alloc();
    AvioPtr io(avio_alloc_context(buffer, kBufferBytes, 0, &file, MemoryFile::read, nullptr, MemoryFile::seek));
    if (io) return io;
    av_free(buffer);
    throw std::bad_alloc();
}

/// Those of PNMs libav knows only with one kind of white space in their headers.
const AVInputFormat* format_of_pnm(std::span<const std::uint8_t> file) {
    if (file.size() < 3 || file[0] != 'P' || !std::isspace(file[2])) return nullptr;
    return file[1] == '5'   ? av_find_input_format("pgm_pipe")
           : file[1] == '6' ? av_find_input_format("ppm_pipe")
           : file[1] == '7' ? av_find_input_format("pam_pipe")  // which it knows by the name alone
                            : nullptr;
}

int open_container(AVIOContext* io, const AVInputFormat* format, Reach& reach, DemuxerPtr& container) {
    AVFormatContext* raw = avformat_alloc_context();
    if (!raw) throw std::bad_alloc();
    reach.bound(*raw);
    raw->pb = io;
    raw->flags |= AVFMT_FLAG_CUSTOM_IO;
    const int code = avformat_open_input(&raw, "", format, nullptr);  // frees it when it fails
    container.reset(raw);
    return code;
}

/// The first packet of the picture's stream, or libav's error.
int read_packet(AVFormatContext& container, int stream, AVPacket& packet) {
    int code = 0;
    while ((code = av_read_frame(&container, &packet)) >= 0 && packet.stream_index != stream) av_packet_unref(&packet);
    return code;
}

int decode(AVCodecContext& decoder, const AVPacket& packet, AVFrame& frame) {
    int code = avcodec_send_packet(&decoder, &packet);
    if (code >= 0) code = avcodec_send_packet(&decoder, nullptr);
    return code >= 0 ? avcodec_receive_frame(&decoder, &frame) : code;
}

CodecPtr open_decoder(const AVCodec* codec, const AVStream& stream, std::int64_t most) {
    CodecPtr decoder(avcodec_alloc_context3(codec));
    if (!decoder) throw std::bad_alloc();
    decoder->max_pixels = most;
    decoder->thread_count = 1;
    const bool ready = avcodec_parameters_to_context(decoder.get(), stream.codecpar) >= 0 &&
                       avcodec_open2(decoder.get(), codec, nullptr) >= 0;
    return ready ? std::move(decoder) : nullptr;
}

/// Such pictures have all of the range, videos have not.
bool is_grey(int format) {
    const AVPixFmtDescriptor* description = av_pix_fmt_desc_get(AVPixelFormat(format));
    return description && description->nb_components <= 2;
}

bool to_rgb(AVFrame& frame, AvPicture& picture) {
    picture.width = frame.width;
    picture.height = frame.height;
    picture.pitch = RgbConverter::pitch(frame.width);
    picture.rgb.resize(std::size_t(picture.pitch) * std::size_t(frame.height));
    if (frame.color_range == AVCOL_RANGE_UNSPECIFIED && is_grey(frame.format)) frame.color_range = AVCOL_RANGE_JPEG;
    if (frame.colorspace == AVCOL_SPC_UNSPECIFIED) frame.colorspace = AVCOL_SPC_SMPTE170M;  // as JPEG has it
    return RgbConverter().convert(frame, picture.rgb.data(), picture.pitch);
}

}  // namespace

AvOutcome decode_by_libav(std::span<const std::uint8_t> file, AvPicture& picture, std::string& reason) {
    MemoryFile memory{file};
    const AvioPtr io = open_memory(memory);
    Reach reach("");
    DemuxerPtr container;
    const auto end = [&](AvOutcome outcome, const std::string& why) {
        reason = why;
        return outcome;
    };
    if (const int code = open_container(io.get(), format_of_pnm(file), reach, container); code < 0) {
        const std::string kind = reach.why_not(file.first(std::min(file.size(), kProbed)));
        return end(AvOutcome::unknown, kind.empty() ? av_message(code) : "it " + kind);
    }
    if (is_tiled(*container)) return end(AvOutcome::unknown, "it is made of tiles");
    const AVCodec* codec = nullptr;
    const int index = av_find_best_stream(container.get(), AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
    if (index < 0 || !codec) return end(AvOutcome::unknown, "it has no picture that this libav can decode");
    const AVStream& stream = *container->streams[index];
    const std::int64_t most = most_pixels(file.size());
    const CodecPtr decoder = open_decoder(codec, stream, most);
    if (!decoder) return end(AvOutcome::unknown, "this libav has no decoder for it");
    const PacketPtr packet(av_packet_alloc());
    const FramePtr frame(av_frame_alloc());
    if (!packet || !frame) throw std::bad_alloc();
    int code = read_packet(*container, index, *packet);
    if (code >= 0) code = decode(*decoder, *packet, *frame);
    if (code == AVERROR(EINVAL))  // of sizes, too
        return end(AvOutcome::damaged, av_message(code) + ": it may claim more than " + std::to_string(most) +
                                           " pixels, too many for " + std::to_string(file.size()) + " bytes");
    if (code < 0) return end(AvOutcome::damaged, av_message(code));
    mend_colours(*frame);
    if (frame->decode_error_flags || frame->flags & AV_FRAME_FLAG_CORRUPT)
        return end(AvOutcome::damaged, "parts of it cannot be decoded");
    if (!plausible_size(frame->width, frame->height) || !to_rgb(*frame, picture))
        return end(AvOutcome::damaged, "its pixels cannot be converted");
    picture.orientation = from_display_matrix(display_matrix(&stream));
    return AvOutcome::decoded;
}

}  // namespace convoy::media
