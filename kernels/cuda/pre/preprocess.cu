// SPDX-License-Identifier: MIT
//
// Pictures of any size and format to the network's input, a batch in one launch: one output pixel a thread. A block
// takes 32x8 pixels; it first finds their 32 columns and 8 rows in the picture (in double, as the CPU does), so that a
// pixel is left with its reads and a few dozen float operations. These are rounded one by one, never fused, so that
// fp32 results are the CPU's to the bit.
#include "kernels/preprocess.h"

#include <cuda_fp16.h>

#include <algorithm>

#include "kernels/cpu/sampling.h"
#include "kernels/cuda/check.h"

namespace convoy::kernels::cuda {
namespace {

constexpr int kTileW = 32, kTileH = 8, kThreads = kTileW * kTileH;
constexpr int kTaps = kTileW + kTileH;
constexpr int kPicturesPerLaunch = 32;  // kernel parameters end at 4096 bytes on older drivers

enum class Method : int { nv12, rgb_bilinear, rgb_darknet };

/// One axis of a picture and of its place in the network's input.
struct Axis {
    Mapping mapping;
    float darknet_scale;  // Darknet's own, a quotient of floats
    int start, length;    // network pixels
    int source;           // picture samples
};

struct Source {
    const std::uint8_t* plane[2];
    int pitch[2];
    Axis across, down;
    ColorConversion color;
    Method method;
    bool pairs;  // Cb and Cr may be read as one 16-bit word
};

struct Batch {
    Source sources[kPicturesPerLaunch];
};

/// Two samples of one axis and their weights; low_weight is only used by Darknet's arithmetic.
struct Tap {
    int low, high;
    float low_weight, fraction;
};

__device__ Tap bilinear_tap(double scale, double offset, int source, int i) {
    const double position = fmin(fmax(__dadd_rn(__dmul_rn(double(i), scale), offset), 0.), source - 1.);
    const int low = int(position);
    return {low, min(low + 1, source - 1), 0.f, float(position - low)};
}

__device__ Tap darknet_column(const Axis& axis, int i) {
    if (i == axis.length - 1 || axis.source == 1) return {axis.source - 1, axis.source - 1, 1.f, 0.f};
    const float position = __fmul_rn(float(i), axis.darknet_scale);
    const int low = int(position);
    const float fraction = position - float(low);
    return {low, low + 1, 1 - fraction, fraction};
}

/// The last row takes nothing from below, even where rounding left it short of the picture's last row.
__device__ Tap darknet_row(const Axis& axis, int i) {
    const float position = __fmul_rn(float(i), axis.darknet_scale);
    const int low = int(position);
    const float fraction = position - float(low);
    if (i == axis.length - 1 || axis.source == 1) return {low, low, 1 - fraction, 0.f};
    return {low, low + 1, 1 - fraction, fraction};
}

/// Tap `i` of the tile: its columns, then its rows.
__device__ Tap make_tap(const Source& s, int plane, int i) {
    const bool column = i < kTileW;
    const Axis& axis = column ? s.across : s.down;
    const int tile = column ? int(blockIdx.x) * kTileW : int(blockIdx.y) * kTileH - kTileW;
    const int at = tile + i - axis.start;
    if (s.method == Method::rgb_darknet) return column ? darknet_column(axis, at) : darknet_row(axis, at);
    if (plane == 0) return bilinear_tap(axis.mapping.scale, axis.mapping.offset, axis.source, at);
    return bilinear_tap(axis.mapping.scale / 2, axis.mapping.offset / 2 - .25, (axis.source + 1) / 2, at);
}

__device__ __forceinline__ float lerp(float low, float high, float fraction) {
    return __fadd_rn(low, __fmul_rn(fraction, __fsub_rn(high, low)));
}

__device__ __forceinline__ float weighted(float a, float a_weight, float b, float b_weight) {
    return __fadd_rn(__fmul_rn(a_weight, a), __fmul_rn(b_weight, b));
}

/// byte / 255, correctly rounded.
__device__ __forceinline__ float unit(std::uint8_t byte) {
    const float r = 1 / 255.f, q = __fmul_rn(float(byte), r);
    return __fmaf_rn(__fmaf_rn(-255.f, q, float(byte)), r, q);
}

/// Where the four bytes around a point start.
struct Corners {
    const std::uint8_t *top_left, *top_right, *bottom_left, *bottom_right;

    __device__ Corners(const Source& s, int plane, int channels, const Tap& row, const Tap& column) {
        const std::uint8_t* top = s.plane[plane] + std::ptrdiff_t(row.low) * s.pitch[plane];
        const std::uint8_t* bottom = s.plane[plane] + std::ptrdiff_t(row.high) * s.pitch[plane];
        top_left = top + column.low * channels;
        top_right = top + column.high * channels;
        bottom_left = bottom + column.low * channels;
        bottom_right = bottom + column.high * channels;
    }
};

__device__ __forceinline__ float bilinear(float top_left, float top_right, float bottom_left, float bottom_right,
                                          const Tap& row, const Tap& column) {
    return lerp(lerp(top_left, bottom_left, row.fraction), lerp(top_right, bottom_right, row.fraction),
                column.fraction);
}

__device__ __forceinline__ uchar2 chroma(const std::uint8_t* p, bool pairs) {
    return pairs ? *reinterpret_cast<const uchar2*>(p) : make_uchar2(p[0], p[1]);
}

__device__ float3 nv12_pixel(const Source& s, const Tap& luma_row, const Tap& luma_column, const Tap& chroma_row,
                             const Tap& chroma_column) {
    const Corners y(s, 0, 1, luma_row, luma_column), uv(s, 1, 2, chroma_row, chroma_column);
    const float byte = bilinear(*y.top_left, *y.top_right, *y.bottom_left, *y.bottom_right, luma_row, luma_column);
    const uchar2 a = chroma(uv.top_left, s.pairs), b = chroma(uv.top_right, s.pairs),
                 c = chroma(uv.bottom_left, s.pairs), d = chroma(uv.bottom_right, s.pairs);
    const float u = __fsub_rn(bilinear(a.x, b.x, c.x, d.x, chroma_row, chroma_column), 128.f);
    const float v = __fsub_rn(bilinear(a.y, b.y, c.y, d.y, chroma_row, chroma_column), 128.f);
    const ColorConversion& color = s.color;
    const float light = __fadd_rn(__fmul_rn(byte, color.luma), color.bias);
    const auto clamped = [](float f) { return fminf(fmaxf(f, 0.f), 1.f); };
    return {clamped(__fadd_rn(light, __fmul_rn(color.red_v, v))),
            clamped(__fadd_rn(__fadd_rn(light, __fmul_rn(color.green_u, u)), __fmul_rn(color.green_v, v))),
            clamped(__fadd_rn(light, __fmul_rn(color.blue_u, u)))};
}

__device__ float3 rgb_pixel(const Source& s, const Tap& row, const Tap& column) {
    const Corners at(s, 0, 3, row, column);
    float rgb[3];
#pragma unroll
    for (int k = 0; k < 3; ++k) {
        const std::uint8_t a = at.top_left[k], b = at.top_right[k], c = at.bottom_left[k], d = at.bottom_right[k];
        rgb[k] = s.method == Method::rgb_bilinear
                     ? __fmul_rn(bilinear(a, b, c, d, row, column), 1 / 255.f)
                     : weighted(weighted(unit(a), column.low_weight, unit(b), column.fraction), row.low_weight,
                                weighted(unit(c), column.low_weight, unit(d), column.fraction), row.fraction);
    }
    return {rgb[0], rgb[1], rgb[2]};
}

__device__ __forceinline__ void write(float* y, std::size_t pixel, float3 rgb) {
    reinterpret_cast<float4*>(y)[pixel] = make_float4(rgb.x, rgb.y, rgb.z, 0.f);
}

__device__ __forceinline__ void write(__half* y, std::size_t pixel, float3 rgb) {
    uint2 raw;
    __half2* pairs = reinterpret_cast<__half2*>(&raw);
    pairs[0] = __floats2half2_rn(rgb.x, rgb.y);
    pairs[1] = __floats2half2_rn(rgb.z, 0.f);
    reinterpret_cast<uint2*>(y)[pixel] = raw;
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    preprocess_batch(const __grid_constant__ Batch batch, T* y, int net_h, int net_w) {
    __shared__ Tap taps[2][kTaps];  // by plane
    const Source& s = batch.sources[blockIdx.z];
    const int i = int(threadIdx.x);
    if (i < kTaps) taps[0][i] = make_tap(s, 0, i);
    if (i >= kThreads / 2 && i < kThreads / 2 + kTaps && s.method == Method::nv12)
        taps[1][i - kThreads / 2] = make_tap(s, 1, i - kThreads / 2);
    __syncthreads();
    const int column = i % kTileW, row = i / kTileW;
    const int out_x = int(blockIdx.x) * kTileW + column, out_y = int(blockIdx.y) * kTileH + row;
    if (out_x >= net_w || out_y >= net_h) return;
    float3 rgb = {.5f, .5f, .5f};
    if (unsigned(out_x - s.across.start) < unsigned(s.across.length) &&
        unsigned(out_y - s.down.start) < unsigned(s.down.length)) {
        const Tap across = taps[0][column], down = taps[0][kTileW + row];
        rgb = s.method == Method::nv12 ? nv12_pixel(s, down, across, taps[1][kTileW + row], taps[1][column])
                                       : rgb_pixel(s, down, across);
    }
    write(y, (std::size_t(blockIdx.z) * net_h + out_y) * net_w + out_x, rgb);
}

Source source(const PlacedPicture& placed, Resize resize) {
    const PixelView& v = placed.picture;
    const Placement& p = placed.placement;
    const auto axis = [&](int samples, int start, int length) {
        const float darknet_scale = length > 1 ? float(samples - 1) / float(length - 1) : 0.f;
        return Axis{{resize, samples, length}, darknet_scale, start, length, samples};
    };
    Source s{{v.plane[0], v.plane[1]},
             {v.pitch[0], v.pitch[1]},
             axis(v.width, p.x, p.w),
             axis(v.height, p.y, p.h),
             {v.matrix, v.range},
             Method::nv12,
             false};
    if (v.format == PixelFormat::rgb8)
        s.method = resize == Resize::darknet ? Method::rgb_darknet : Method::rgb_bilinear;
    s.pairs = (reinterpret_cast<std::uintptr_t>(v.plane[1]) | std::uintptr_t(v.pitch[1])) % 2 == 0;
    return s;
}

}  // namespace

void preprocess(const PlacedPicture* pictures, int count, Resize resize, const DeviceTensor& y, Stream stream) {
    const std::size_t image_bytes = std::size_t(y.h) * y.w * y.pitch * size_of(y.type);
    for (int first = 0; first < count; first += kPicturesPerLaunch) {
        const int now = std::min(count - first, kPicturesPerLaunch);
        Batch batch{};
        for (int i = 0; i < now; ++i) batch.sources[i] = source(pictures[first + i], resize);
        void* images = static_cast<char*>(y.data) + first * image_bytes;
        const dim3 grid((y.w + kTileW - 1) / kTileW, (y.h + kTileH - 1) / kTileH, now);
        if (y.type == DataType::fp16)
            preprocess_batch<<<grid, kThreads, 0, stream>>>(batch, static_cast<__half*>(images), y.h, y.w);
        else
            preprocess_batch<<<grid, kThreads, 0, stream>>>(batch, static_cast<float*>(images), y.h, y.w);
        check_launch("preprocess");
    }
}

}  // namespace convoy::kernels::cuda
