// SPDX-License-Identifier: MIT
//
// A warp takes one number of y: its weights are read once and in order, which is all that costs anything.
#include "kernels/local.h"

#include "kernels/cuda/map.cuh"

namespace convoy::kernels::cuda {
namespace {

constexpr int kWarps = 4;

template <typename T>
__global__ void __launch_bounds__(32 * kWarps)
    weighted_places(Local problem, const float* weights, const float* bias, Pixels<T> x, Pixels<T> y, int lanes) {
    griddepcontrol_launch_dependents();
    griddepcontrol_wait();
    const unsigned warp = blockIdx.x * kWarps + threadIdx.x / 32;
    const int k = int(warp % unsigned(lanes)), place = int(warp / unsigned(lanes)), places = y.h * y.w;
    if (place >= places) return;
    const int size = problem.size, area = size * size, lane = int(threadIdx.x) % 32;
    const int top = place / y.w * problem.stride - problem.padding,
              left = place % y.w * problem.stride - problem.padding;
    float sum = 0;
    if (k < y.c) {
        const int row = x.c * area;
        const float* w = weights + (std::size_t(place) * y.c + k) * row;
        for (int i = lane; i < row; i += 32) {
            const int channel = i / area, h = top + i % area / size, column = left + i % size;
            if (h < 0 || h >= x.h || column < 0 || column >= x.w) continue;
            sum += w[i] * float(x.data[((std::size_t(blockIdx.y) * x.h + h) * x.w + column) * x.pitch + channel]);
        }
        for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(~0u, sum, step);
        sum += bias[std::size_t(k) * places + place];
    }
    if (lane == 0) y.data[(std::size_t(blockIdx.y) * places + place) * y.pitch + k] = T(sum);
}

}  // namespace

void local(const Local& problem, const float* weights, const float* bias, const DeviceTensor& x, const DeviceTensor& y,
           Stream stream) {
    const int lanes = written_lanes(y);
    const auto warps = unsigned(y.h * y.w * lanes);
    if (warps == 0 || y.n == 0) return;
    const dim3 grid((warps + kWarps - 1) / kWarps, unsigned(y.n));
    with_type(y.type, [&](auto zero) {
        using T = decltype(zero);
        launch_dependent(weighted_places<T>, grid, 32 * kWarps, 0, stream, 1, problem, weights, bias, Pixels<T>(x),
                         Pixels<T>(y), lanes);
    });
}

}  // namespace convoy::kernels::cuda
