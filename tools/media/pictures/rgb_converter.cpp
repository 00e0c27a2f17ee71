// SPDX-License-Identifier: MIT
#include "tools/media/pictures/rgb_converter.h"

namespace convoy::media {
namespace {

/// The JPEG variants of formats are old names for the plain ones in full range; libswscale warns about them.
AVPixelFormat plain_format(int format) {
    switch (format) {
        case AV_PIX_FMT_YUVJ420P:
            return AV_PIX_FMT_YUV420P;
        case AV_PIX_FMT_YUVJ411P:
            return AV_PIX_FMT_YUV411P;
        case AV_PIX_FMT_YUVJ422P:
            return AV_PIX_FMT_YUV422P;
        case AV_PIX_FMT_YUVJ440P:
            return AV_PIX_FMT_YUV440P;
        case AV_PIX_FMT_YUVJ444P:
            return AV_PIX_FMT_YUV444P;
        default:
            return AVPixelFormat(format);
    }
}

}  // namespace

bool RgbConverter::convert(const AVFrame& frame, std::uint8_t* to, int to_pitch) {
    if (is_hdr(frame.color_trc) && tone_mapper_.convert(frame, to, to_pitch)) return true;
    const AVPixelFormat format = plain_format(frame.format);
    Key key{frame.width, frame.height, format, colour_matrix(frame.colorspace, frame.height),
            frame.color_range == AVCOL_RANGE_JPEG};
    if (format != frame.format) key.full_range = true;
    if (!scaler_ || key != key_) {
        if (!sws_isSupportedInput(format)) return false;
        scaler_.reset(sws_getContext(key.width, key.height, format, key.width, key.height, AV_PIX_FMT_RGB24,
                                     SWS_BILINEAR, nullptr, nullptr, nullptr));
        if (!scaler_) return false;
        // Fails for sources that are RGB already, which have no matrix.
        sws_setColorspaceDetails(scaler_.get(), sws_getCoefficients(key.matrix), key.full_range,
                                 sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16, 1 << 16);
        key_ = key;
    }
    std::uint8_t* planes[4] = {to};
    const int pitches[4] = {to_pitch};
    return sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, planes, pitches) == frame.height;
}

}  // namespace convoy::media
