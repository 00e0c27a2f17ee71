// SPDX-License-Identifier: MIT
//
// The functions of libnvjpeg and libcuda that encoding takes, declared here so that building needs no CUDA: as they
// have been since CUDA 11. tests/tools/cuda/test_nvjpeg.cpp compares them with NVIDIA's headers, where these are.
#pragma once

#include <cstddef>
#include <cstdint>

namespace convoy::media {

inline constexpr int kNvJpeg420 = 2, kNvJpegRgbInterleaved = 5;  // NVJPEG_CSS_420, NVJPEG_INPUT_RGBI
inline constexpr unsigned kNonBlocking = 1;                      // CU_STREAM_NON_BLOCKING
inline constexpr int kFirst = -1000;       // of priorities, the lower the sooner; clamped to what there is
inline constexpr int kCudaNotReady = 600;  // CUDA_ERROR_NOT_READY

/// nvjpegImage_t
struct NvJpegImage {
    unsigned char* channel[4];
    std::size_t pitch[4];
};

/// All return 0 when they succeed. Handles, contexts and streams are pointers to what nobody sees.
struct NvJpegApi {
    int (*create)(void** handle);
    int (*destroy)(void* handle);
    int (*state_create)(void* handle, void** state, void* stream);
    int (*state_destroy)(void* state);
    int (*params_create)(void* handle, void** params, void* stream);
    int (*params_destroy)(void* params);
    int (*set_quality)(void* params, int quality, void* stream);
    int (*set_sampling)(void* params, int sampling, void* stream);
    int (*encode_yuv)(void* handle, void* state, void* params, const NvJpegImage* image, int sampling, int width,
                      int height, void* stream);
    int (*encode_image)(void* handle, void* state, void* params, const NvJpegImage* image, int format, int width,
                        int height, void* stream);
    int (*retrieve)(void* handle, void* state, unsigned char* data, std::size_t* length, void* stream);
};

struct CudaDriverApi {
    int (*init)(unsigned flags);
    int (*device)(int* device, int ordinal);
    int (*retain)(void** context, int device);
    int (*release)(int device);
    int (*push)(void* context);
    int (*pop)(void** context);
    int (*stream_create)(void** stream, unsigned flags, int priority);
    int (*stream_destroy)(void* stream);
    int (*stream_query)(void* stream);
    int (*device_alloc)(unsigned long long* pointer, std::size_t bytes);
    int (*device_free)(unsigned long long pointer);
    int (*host_alloc)(void** pointer, std::size_t bytes, unsigned flags);
    int (*host_free)(void* pointer);
    int (*upload)(unsigned long long to, const void* from, std::size_t bytes, void* stream);
    int (*error_text)(int code, const char** text);
};

}  // namespace convoy::media
