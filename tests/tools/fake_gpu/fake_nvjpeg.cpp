// SPDX-License-Identifier: MIT
#include <cstring>
#include <string>
#include <vector>

#include "tests/tools/fake_gpu/fake_gpu.h"
#include "tools/media/out/nvjpeg_api.h"
#include "tools/media/pictures/jpeg.h"

using namespace convoy;
using convoy::test::fake_gpu;

namespace convoy::test {
bool fake_nvjpeg_is_loaded() { return true; }
}  // namespace convoy::test

namespace {

constexpr int kFailed = 6;

struct Object {
    std::vector<std::uint8_t> file;
    int quality = 0, sampling = -1;
};

int begin(const void* stream) {
    if (test::fake_contexts_current() == 0 || !stream) ++fake_gpu().misuse;
    return fake_gpu().fails() ? kFailed : 0;
}

int make(void** object, std::atomic<int>& count, const void* stream) {
    if (const int code = begin(stream)) return code;
    ++count;
    *object = new Object;
    return 0;
}

int drop(void* object, std::atomic<int>& count) {
    if (test::fake_contexts_current() == 0) ++fake_gpu().misuse;
    --count;
    delete static_cast<Object*>(object);
    return 0;
}

int encode(void* state, void* params, const PixelView& view) {
    const auto& how = *static_cast<Object*>(params);
    if (how.sampling != media::kNvJpeg420) ++fake_gpu().misuse;
    std::string reason;
    return media::encode_jpeg(view, how.quality, static_cast<Object*>(state)->file, reason) ? 0 : kFailed;
}

}  // namespace

extern "C" {

int nvjpegCreateSimple(void** handle) { return make(handle, fake_gpu().handles, handle); }
int nvjpegDestroy(void* handle) { return drop(handle, fake_gpu().handles); }
int nvjpegEncoderStateCreate(void*, void** state, void* stream) { return make(state, fake_gpu().states, stream); }
int nvjpegEncoderStateDestroy(void* state) { return drop(state, fake_gpu().states); }
int nvjpegEncoderParamsCreate(void*, void** params, void* stream) { return make(params, fake_gpu().params, stream); }
int nvjpegEncoderParamsDestroy(void* params) { return drop(params, fake_gpu().params); }
int nvjpegEncoderParamsSetQuality(void* params, int quality, void* stream) {
    static_cast<Object*>(params)->quality = quality;
    return begin(stream);
}
int nvjpegEncoderParamsSetSamplingFactors(void* params, int sampling, void* stream) {
    static_cast<Object*>(params)->sampling = sampling;
    return begin(stream);
}
int nvjpegEncodeYUV(void*, void* state, void* params, const media::NvJpegImage* image, int sampling, int width,
                    int height, void* stream) {
    if (sampling != media::kNvJpeg420) ++fake_gpu().misuse;
    if (const int code = begin(stream)) return code;
    const int pairs = (width + 1) / 2;
    std::vector<std::uint8_t> chroma(std::size_t(pairs) * 2 * std::size_t((height + 1) / 2));
    for (std::size_t i = 0; i < chroma.size() / 2; ++i)
        for (const std::size_t c : {0, 1})
            chroma[2 * i + c] =
                image->channel[1 + c][i / std::size_t(pairs) * image->pitch[1 + c] + i % std::size_t(pairs)];
    PixelView view;
    view.format = PixelFormat::nv12;
    view.plane[0] = image->channel[0], view.plane[1] = chroma.data();
    view.pitch[0] = int(image->pitch[0]), view.pitch[1] = 2 * pairs;
    view.width = width, view.height = height;
    view.matrix = ColorMatrix::bt601;
    view.range = ColorRange::full;
    return encode(state, params, view);
}
int nvjpegEncodeImage(void*, void* state, void* params, const media::NvJpegImage* image, int format, int width,
                      int height, void* stream) {
    if (format != media::kNvJpegRgbInterleaved) ++fake_gpu().misuse;
    if (const int code = begin(stream)) return code;
    PixelView view;
    view.plane[0] = image->channel[0];
    view.pitch[0] = int(image->pitch[0]);
    view.width = width, view.height = height;
    return encode(state, params, view);
}
int nvjpegEncodeRetrieveBitstream(void*, void* state, unsigned char* data, std::size_t* length, void* stream) {
    if (const int code = begin(stream)) return code;
    const auto& file = static_cast<Object*>(state)->file;
    if (data && *length < file.size()) return kFailed;
    *length = file.size();
    if (data) std::memcpy(data, file.data(), file.size());
    return 0;
}
}
