// SPDX-License-Identifier: MIT
//
// A warp takes a part of a pixel's channels and goes over them three times: the largest, the sum, the quotients.
#include "kernels/channels.h"

#include <cfloat>

#include "kernels/cuda/map.cuh"

namespace convoy::kernels::cuda {
namespace {

constexpr int kWarps = 4;

struct Normalization {
    bool exponential, subtract_largest;
    float epsilon, temperature;

    __device__ float raised(float v, float largest) const {
        return exponential ? expf((v - largest) / temperature) : fmaxf(v, 0.f);
    }
};

/// Lane `lane` of `pixels` × `groups` warps; x and y may be the same.
template <typename T>
__global__ void __launch_bounds__(32 * kWarps)
    normalize(Normalization f, int groups, unsigned pixels, Pixels<T> x, Pixels<T> y, int lanes) {
    griddepcontrol_launch_dependents();
    griddepcontrol_wait();
    const unsigned warp = blockIdx.x * kWarps + threadIdx.x / 32, pixel = warp / unsigned(groups);
    if (pixel >= pixels) return;
    const int lane = int(threadIdx.x) % 32, group = int(warp % unsigned(groups)), count = x.c / groups;
    const T* in = x.data + std::size_t(pixel) * x.pitch + group * count;
    T* out = y.data + std::size_t(pixel) * y.pitch + group * count;
    float largest = 0;
    if (f.subtract_largest) {
        largest = -FLT_MAX;
        for (int c = lane; c < count; c += 32) largest = fmaxf(largest, float(in[c]));
        for (int step = 16; step > 0; step /= 2) largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, step));
    }
    float sum = 0;
    for (int c = lane; c < count; c += 32) sum += f.raised(float(in[c]), largest);
    for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(~0u, sum, step);
    for (int c = lane; c < count; c += 32) out[c] = T(f.raised(float(in[c]), largest) / (sum + f.epsilon));
    if (group == groups - 1)
        for (int c = x.c + lane; c < lanes; c += 32) y.data[std::size_t(pixel) * y.pitch + c] = T(0.f);
}

void launch_normalize(Normalization f, int groups, const DeviceTensor& x, const DeviceTensor& y, Stream stream) {
    const auto pixels = unsigned(y.pixels());
    if (pixels == 0) return;
    const dim3 grid((pixels * unsigned(groups) + kWarps - 1) / kWarps);
    with_type(y.type, [&](auto zero) {
        using T = decltype(zero);
        launch_dependent(normalize<T>, grid, 32 * kWarps, 0, stream, 1, f, groups, pixels, Pixels<T>(x), Pixels<T>(y),
                         written_lanes(y));
    });
}

template <typename T>
struct Largest {
    Pixels<T> x;
    int channels;

    __device__ Vector<T> operator()(int image, unsigned pixel, int lane) const {
        const T* in = x.data + (std::size_t(image) * x.h * x.w + pixel) * x.pitch;
        Vector<T> v{};
        for (int k = 0; k < kLanes<T> && lane + k < channels; ++k) {
            v.lane[k] = float(in[lane + k]);
            for (int c = lane + k + channels; c < x.c; c += channels) v.lane[k] = fmaxf(v.lane[k], float(in[c]));
        }
        return v;
    }
};

}  // namespace

void softmax(int groups, float temperature, const DeviceTensor& x, const DeviceTensor& y, Stream stream) {
    launch_normalize({true, true, 0.f, temperature}, groups, x, y, stream);
}

void normalize_channels(Activation kind, const DeviceTensor& x, const DeviceTensor& y, Stream stream) {
    launch_normalize(
        {kind != Activation::normalize_channels, kind == Activation::normalize_channels_softmax_maxval, 1e-4f, 1.f}, 1,
        x, y, stream);
}

void maxpool_depth(const DeviceTensor& x, const DeviceTensor& y, Stream stream) {
    const auto make = [&]<typename T, bool ALIGNED>() { return Largest<T>{Pixels<T>(x), y.c}; };
    launch_map(make, aligned(y), y, stream);
}

}  // namespace convoy::kernels::cuda
