// SPDX-License-Identifier: MIT
//
// The shape of every kernel that computes each vector of its output on its own: one thread per 16 bytes of y, one row
// of blocks per image.
#pragma once

#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/ptx/griddepcontrol.cuh"
#include "kernels/cuda/vector.cuh"

namespace convoy::kernels::cuda {

constexpr int kMapThreads = 256;

/// f(image, pixel of the image, first lane) is a Vector<T>. `lanes` of each pixel are written.
template <typename T, bool ALIGNED, typename F>
__global__ void __launch_bounds__(kMapThreads) map(F f, Pixels<T> y, int lanes) {
    griddepcontrol_launch_dependents();
    griddepcontrol_wait();
    const unsigned pixels = unsigned(y.h) * unsigned(y.w), vectors = (unsigned(lanes) + kLanes<T> - 1) / kLanes<T>;
    const unsigned i = blockIdx.x * kMapThreads + threadIdx.x;
    if (i >= pixels * vectors) return;
    const unsigned pixel = i / vectors;
    const int lane = int(i % vectors) * kLanes<T>;
    const Vector<T> v = f(int(blockIdx.y), pixel, lane);
    write_vector<ALIGNED>(y.data + (std::size_t(blockIdx.y) * pixels + pixel) * y.pitch + lane, v, lanes - lane);
}

/// Lanes of a pixel that a writer of y fills: up to the end of the last channel's 16 bytes.
inline int written_lanes(const DeviceTensor& y) {
    const int whole = vector_lanes(y.type);
    if (y.pitch % whole != 0) return y.c;
    const int skipped = int(reinterpret_cast<std::uintptr_t>(y.data) % 16 / size_of(y.type));
    return padded_channels(skipped + y.c, y.type) - skipped;
}

/// `make` gives the kernel's f: make.template operator()<T, ALIGNED>().
template <typename Make>
void launch_map(Make make, bool all_aligned, const DeviceTensor& y, Stream stream) {
    const int lanes = written_lanes(y), whole = vector_lanes(y.type);
    const unsigned threads = unsigned(y.h) * unsigned(y.w) * unsigned((lanes + whole - 1) / whole);
    if (threads == 0 || y.n == 0) return;
    const dim3 grid((threads + kMapThreads - 1) / kMapThreads, unsigned(y.n));
    with_type(y.type, [&](auto zero) {
        using T = decltype(zero);
        const auto launch = [&]<bool ALIGNED>() {
            const auto f = make.template operator()<T, ALIGNED>();
            launch_dependent(map<T, ALIGNED, std::remove_const_t<decltype(f)>>, grid, kMapThreads, 0, stream, 1, f,
                             Pixels<T>(y), lanes);
        };
        all_aligned ? launch.template operator()<true>() : launch.template operator()<false>();
    });
}

}  // namespace convoy::kernels::cuda
