// SPDX-License-Identifier: MIT
#include "tools/media/in/av_cuda.h"

extern "C" {
#include <libavutil/hwcontext.h>
}

// The two types that libav's header takes from CUDA's, and the macro that keeps it from including that.
#define CUDA_VERSION 1
extern "C" {
typedef struct CUctx_st* CUcontext;
typedef struct CUstream_st* CUstream;
#include <libavutil/hwcontext_cuda.h>
}

namespace convoy::media {

// av_hwdevice_ctx_create would want a primary context with flags of its choice, or make a context of its own.
BufferPtr cuda_device(const DecodeTarget& target, std::string& why_not) {
    BufferPtr device(av_hwdevice_ctx_alloc(AV_HWDEVICE_TYPE_CUDA));
    if (!device) {
        why_not = "this libav knows no NVDEC";
        return nullptr;
    }
    auto* context = reinterpret_cast<AVHWDeviceContext*>(device->data);
    auto* cuda = static_cast<AVCUDADeviceContext*>(context->hwctx);
    cuda->cuda_ctx = static_cast<CUcontext>(target.cuda_context);
    cuda->stream = static_cast<CUstream>(target.cuda_stream);
    const int code = av_hwdevice_ctx_init(device.get());
    if (code >= 0) return device;
    why_not = "libav cannot use the GPU (" + av_message(code) + ")";
    return nullptr;
}

const AVCodec* cuda_decoder(AVCodecID codec) {
    // Of other codecs, MPEG-2's and JPEG's say, the standards leave the rounding to the decoder.
    if (codec != AV_CODEC_ID_H264 && codec != AV_CODEC_ID_HEVC && codec != AV_CODEC_ID_VP8 &&
        codec != AV_CODEC_ID_VP9 && codec != AV_CODEC_ID_AV1)
        return nullptr;
    void* state = nullptr;
    while (const AVCodec* candidate = av_codec_iterate(&state)) {
        if (candidate->id != codec || !av_codec_is_decoder(candidate)) continue;
        for (int i = 0; const AVCodecHWConfig* config = avcodec_get_hw_config(candidate, i); ++i)
            if (config->device_type == AV_HWDEVICE_TYPE_CUDA && config->pix_fmt == AV_PIX_FMT_CUDA &&
                config->methods & AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX &&
                !(config->methods & AV_CODEC_HW_CONFIG_METHOD_INTERNAL))  // else it is a wrapper of the whole decoder
                return candidate;
    }
    return nullptr;
}

}  // namespace convoy::media
