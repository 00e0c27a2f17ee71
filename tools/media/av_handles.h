// SPDX-License-Identifier: MIT
//
// libav's objects as move-only handles, and its error numbers as text.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
}

#include <memory>
#include <string>

namespace convoy::media {

struct AvDeleter {
    void operator()(AVFrame* p) const { av_frame_free(&p); }
    void operator()(AVPacket* p) const { av_packet_free(&p); }
    void operator()(AVCodecContext* p) const { avcodec_free_context(&p); }
    void operator()(SwsContext* p) const { sws_freeContext(p); }
    void operator()(AVBufferRef* p) const { av_buffer_unref(&p); }
    void operator()(AVCodecParameters* p) const { avcodec_parameters_free(&p); }
};

struct DemuxerDeleter {
    void operator()(AVFormatContext* p) const { avformat_close_input(&p); }
};

/// An output context owns its file too, but for one that is somebody else's.
struct MuxerDeleter {
    void operator()(AVFormatContext* p) const {
        if (!(p->flags & AVFMT_FLAG_CUSTOM_IO)) avio_closep(&p->pb);
        avformat_free_context(p);
    }
};

using FramePtr = std::unique_ptr<AVFrame, AvDeleter>;
using PacketPtr = std::unique_ptr<AVPacket, AvDeleter>;
using CodecPtr = std::unique_ptr<AVCodecContext, AvDeleter>;
using ParametersPtr = std::unique_ptr<AVCodecParameters, AvDeleter>;
using BufferPtr = std::unique_ptr<AVBufferRef, AvDeleter>;
using ScalerPtr = std::unique_ptr<SwsContext, AvDeleter>;
using DemuxerPtr = std::unique_ptr<AVFormatContext, DemuxerDeleter>;
using MuxerPtr = std::unique_ptr<AVFormatContext, MuxerDeleter>;

/// What libav calls the error `code`, e.g. "No space left on device".
inline std::string av_message(int code) {
    char text[AV_ERROR_MAX_STRING_SIZE] = {};
    av_strerror(code, text, sizeof text);
    return text;
}

}  // namespace convoy::media
