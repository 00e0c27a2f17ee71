// SPDX-License-Identifier: MIT
//
// Nearest neighbour: each vector of y reads its one pixel of x, which the cache serves stride² times.
#include "kernels/upsample.h"

#include "kernels/cuda/map.cuh"

namespace convoy::kernels::cuda {
namespace {

template <typename T, bool ALIGNED>
struct Upsample {
    unsigned stride;
    float scale;
    Pixels<T> x;

    __device__ Vector<T> operator()(int image, unsigned pixel, int lane) const {
        const unsigned width = unsigned(x.w) * stride, row = pixel / width, column = pixel % width;
        const std::size_t from = (std::size_t(image) * x.h + row / stride) * x.w + column / stride;
        Vector<T> v = x.template at<ALIGNED>(from, lane);
#pragma unroll
        for (float& f : v.lane) f *= scale;
        return v;
    }
};

}  // namespace

void upsample(int stride, float scale, const DeviceTensor& x, const DeviceTensor& y, Stream stream) {
    const auto make = [&]<typename T, bool ALIGNED>() {
        return Upsample<T, ALIGNED>{unsigned(stride), scale, Pixels<T>(x)};
    };
    launch_map(make, aligned(x) && aligned(y), y, stream);
}

}  // namespace convoy::kernels::cuda
