// SPDX-License-Identifier: MIT
#include "tools/media/out/motion_jpeg.h"

#include <cstring>
#include <new>
#include <utility>

#include "tools/media/files.h"

namespace convoy::media {
namespace {

std::shared_ptr<const EncodedStream> stream_of(const VideoFormat& format) {
    auto stream = std::make_shared<EncodedStream>();
    stream->encoder = "mjpeg";
    stream->rate = {format.fps_num, format.fps_den};
    stream->parameters.reset(avcodec_parameters_alloc());
    if (!stream->parameters) throw std::bad_alloc();
    AVCodecParameters& p = *stream->parameters;
    p.codec_type = AVMEDIA_TYPE_VIDEO;
    p.codec_id = AV_CODEC_ID_MJPEG;
    p.width = format.width;
    p.height = format.height;
    p.format = AV_PIX_FMT_YUVJ420P;
    p.sample_aspect_ratio = {format.pixel_width, format.pixel_height};
    p.color_range = AVCOL_RANGE_JPEG;
    p.color_space = AVCOL_SPC_BT470BG;  // JPEG's BT.601
    return stream;
}

}  // namespace

MotionJpeg::MotionJpeg(std::string path, const VideoFormat& format, std::shared_ptr<JpegEncoders> encoders)
    : path_(std::move(path)),
      quality_(format.quality < 0 ? kJpegQuality : format.quality),
      encoders_(std::move(encoders)),
      stream_(stream_of(format)) {
    if (quality_ < 1 || quality_ > 100) throw_output(path_, "the quality of a JPEG is 1 to 100", ErrorKind::usage);
}

EncodedFrames MotionJpeg::write(const PixelView& picture) {
    const std::vector<std::uint8_t> file = encoders_->encode(path_, picture, quality_);
    PacketPtr packet(av_packet_alloc());
    if (!packet || av_new_packet(packet.get(), int(file.size())) < 0) throw std::bad_alloc();
    std::memcpy(packet->data, file.data(), file.size());
    packet->pts = frames_++;
    packet->flags |= AV_PKT_FLAG_KEY;
    EncodedFrames frames{stream_, {}};
    frames.packets.push_back(std::move(packet));
    return frames;
}

}  // namespace convoy::media
