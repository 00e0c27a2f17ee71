// SPDX-License-Identifier: MIT
//
// Each number of y is read where it lies in x: plain, for layers that are rare and small.
#include "kernels/rearrange.h"

#include "kernels/cuda/map.cuh"

namespace convoy::kernels::cuda {
namespace {

template <typename T>
struct Gather {
    Rearrange r;
    Pixels<T> x;
    Element to;

    __device__ Vector<T> operator()(int image, unsigned pixel, int lane) const {
        const int row = int(pixel) / to.w, column = int(pixel) % to.w;
        Vector<T> v{};
        for (int k = 0; k < kLanes<T>; ++k) {
            if (lane + k >= to.c) break;
            const Element e = source_of(r, {x.c, x.h, x.w}, to, {lane + k, row, column});
            v.lane[k] =
                r.scale * float(x.data[((std::size_t(image) * x.h + e.h) * x.w + e.w) * x.pitch + e.c]) + r.bias;
        }
        return v;
    }
};

}  // namespace

void rearrange(const Rearrange& r, const DeviceTensor& x, const DeviceTensor& y, Stream stream) {
    const auto make = [&]<typename T, bool ALIGNED>() { return Gather<T>{r, Pixels<T>(x), {y.c, y.h, y.w}}; };
    launch_map(make, aligned(y), y, stream);
}

}  // namespace convoy::kernels::cuda
