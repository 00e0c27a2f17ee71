// SPDX-License-Identifier: MIT
//
// Maxpool and avgpool. Small windows are read directly, their overlap served by the cache. The wide ones of spatial
// pyramid pooling (5, 9, 13, stride 1) are separable: rows first, into shared memory, then columns, so that an output
// costs 2 · size reads and not size².
#include "kernels/pool.h"

#include <cfloat>

#include "kernels/cuda/map.cuh"

namespace convoy::kernels::cuda {
namespace {

/// What lies outside: the lowest value that the type holds.
template <typename T>
constexpr float kLowest = sizeof(T) == 2 ? -65504.f : -FLT_MAX;

template <typename T>
__device__ __forceinline__ void maximize(Vector<T>& v, const Vector<T>& other) {
#pragma unroll
    for (int k = 0; k < kLanes<T>; ++k) v.lane[k] = fmaxf(v.lane[k], other.lane[k]);
}

template <typename T>
__device__ __forceinline__ Vector<T> lowest() {
    Vector<T> v;
#pragma unroll
    for (float& f : v.lane) f = kLowest<T>;
    return v;
}

template <typename T, bool ALIGNED>
struct Maxpool {
    int size, stride_h, stride_w, padding, out_w;
    Pixels<T> x;

    __device__ Vector<T> operator()(int image, unsigned pixel, int lane) const {
        const int row = int(pixel / unsigned(out_w)), column = int(pixel % unsigned(out_w));
        const int top = row * stride_h - padding / 2, left = column * stride_w - padding / 2;
        const int bottom = min(top + size, x.h), right = min(left + size, x.w);
        Vector<T> v = lowest<T>();
        for (int r = max(top, 0); r < bottom; ++r)
#pragma unroll 2
            for (int s = max(left, 0); s < right; ++s)
                maximize(v, x.template at<ALIGNED>((std::size_t(image) * x.h + r) * x.w + s, lane));
        return v;
    }
};

template <typename T, bool ALIGNED>
struct LocalAvgpool {
    int size, stride_h, stride_w, padding, out_w;
    Pixels<T> x;

    __device__ Vector<T> operator()(int image, unsigned pixel, int lane) const {
        const int row = int(pixel / unsigned(out_w)), column = int(pixel % unsigned(out_w));
        const int top = row * stride_h - padding / 2, left = column * stride_w - padding / 2;
        const int first_row = max(top, 0), last_row = min(top + size, x.h);
        const int first_column = max(left, 0), last_column = min(left + size, x.w);
        Vector<T> sum{};
        for (int r = first_row; r < last_row; ++r)
            for (int s = first_column; s < last_column; ++s) {
                const Vector<T> v = x.template at<ALIGNED>((std::size_t(image) * x.h + r) * x.w + s, lane);
#pragma unroll
                for (int k = 0; k < kLanes<T>; ++k) sum.lane[k] += v.lane[k];
            }
#pragma unroll
        for (float& f : sum.lane) f /= float((last_row - first_row) * (last_column - first_column));
        return sum;
    }
};

constexpr int kWideThreads = 256;

/// A block takes `vectors` (a power of two) neighbouring vectors of all pixels of an image.
template <typename T>
__global__ void __launch_bounds__(kWideThreads)
    maxpool_wide(int size, int padding, Pixels<T> x, Pixels<T> y, int lanes, int vectors) {
    griddepcontrol_launch_dependents();
    griddepcontrol_wait();
    extern __shared__ uint4 shared[];
    T* rows = reinterpret_cast<T*>(shared);  // (x.h, y.w, vectors · kLanes): the largest of a window's row
    const int vector = int(threadIdx.x) % vectors, lane = (int(blockIdx.x) * vectors + vector) * kLanes<T>;
    const int first = int(threadIdx.x) / vectors, step = kWideThreads / vectors;
    const bool inside = lane < lanes;
    for (int i = first; inside && i < x.h * y.w; i += step) {
        const int row = i / y.w, left = i % y.w - padding / 2, right = min(left + size, x.w);
        Vector<T> v = lowest<T>();
#pragma unroll 4
        for (int s = max(left, 0); s < right; ++s)
            maximize(v, x.template at<true>((std::size_t(blockIdx.y) * x.h + row) * x.w + s, lane));
        write_vector<true>(rows + (i * vectors + vector) * kLanes<T>, v, kLanes<T>);
    }
    __syncthreads();
    for (int i = first; inside && i < y.h * y.w; i += step) {
        const int column = i % y.w, top = i / y.w - padding / 2, bottom = min(top + size, x.h);
        Vector<T> v = lowest<T>();
#pragma unroll 4
        for (int r = max(top, 0); r < bottom; ++r)
            maximize(v, read_vector<true>(rows + ((r * y.w + column) * vectors + vector) * kLanes<T>, kLanes<T>));
        write_vector<true>(y.data + (std::size_t(blockIdx.y) * y.h * y.w + i) * y.pitch + lane, v, lanes - lane);
    }
}

constexpr int kAverageThreads = 1024, kAverageVectors = 8;

/// A block takes blockDim.x neighbouring vectors of an image; each of blockDim.y slices of threads (a power of two)
/// sums every blockDim.y-th pixel.
template <typename T, bool ALIGNED>
__global__ void __launch_bounds__(kAverageThreads) avgpool_sums(Pixels<T> x, Pixels<T> y, int lanes) {
    __shared__ Vector<T> sums[kAverageThreads];
    const int lane = int(blockIdx.x * blockDim.x + threadIdx.x) * kLanes<T>, pixels = x.h * x.w;
    Vector<T>& sum = sums[threadIdx.y * blockDim.x + threadIdx.x];
    Vector<T> own{};
    const auto add = [&](const Vector<T>& v) {
#pragma unroll
        for (int k = 0; k < kLanes<T>; ++k) own.lane[k] += v.lane[k];
    };
    if (lane < lanes)
#pragma unroll 4
        for (int i = int(threadIdx.y); i < pixels; i += int(blockDim.y))
            add(x.template at<ALIGNED>(std::size_t(blockIdx.y) * pixels + i, lane));
    for (unsigned slices = blockDim.y / 2; slices > 0; slices /= 2) {
        sum = own;
        __syncthreads();
        if (threadIdx.y < slices) add(*(&sum + slices * blockDim.x));
        __syncthreads();
    }
    if (threadIdx.y != 0 || lane >= lanes) return;
#pragma unroll
    for (float& f : own.lane) f /= float(pixels);
    write_vector<ALIGNED>(y.data + std::size_t(blockIdx.y) * y.pitch + lane, own, lanes - lane);
}

constexpr int kWideSize = 4;                   // from here on two passes cost less than one
constexpr std::size_t kWideBytes = 48 * 1024;  // shared memory that any block may have
constexpr int kWideVectors = 4;                // 64 bytes of a pixel: whole sectors

/// How many vectors of an image fit the shared memory of maxpool_wide at once; 0 when not even one.
int wide_vectors(const DeviceTensor& x, const DeviceTensor& y) {
    int vectors = kWideVectors;
    while (vectors > 0 && std::size_t(vectors) * 16 * x.h * y.w > kWideBytes) vectors /= 2;
    return vectors;
}

}  // namespace

void maxpool(int size, int stride_h, int stride_w, int padding, const DeviceTensor& x, const DeviceTensor& y,
             Stream stream) {
    const bool all_aligned = aligned(x) && aligned(y);
    const int vectors = size >= kWideSize && stride_h == 1 && stride_w == 1 && all_aligned ? wide_vectors(x, y) : 0;
    if (vectors > 0) {
        const int lanes = written_lanes(y), block_lanes = vectors * vector_lanes(y.type);
        const dim3 grid(unsigned((lanes + block_lanes - 1) / block_lanes), unsigned(y.n));
        const std::size_t shared = std::size_t(vectors) * 16 * x.h * y.w;
        with_type(y.type, [&](auto zero) {
            using T = decltype(zero);
            launch_dependent(maxpool_wide<T>, grid, kWideThreads, shared, stream, 1, size, padding, Pixels<T>(x),
                             Pixels<T>(y), lanes, vectors);
        });
        return;
    }
    const auto make = [&]<typename T, bool ALIGNED>() {
        return Maxpool<T, ALIGNED>{size, stride_h, stride_w, padding, y.w, Pixels<T>(x)};
    };
    launch_map(make, all_aligned, y, stream);
}

void local_avgpool(int size, int stride_h, int stride_w, int padding, const DeviceTensor& x, const DeviceTensor& y,
                   Stream stream) {
    const auto make = [&]<typename T, bool ALIGNED>() {
        return LocalAvgpool<T, ALIGNED>{size, stride_h, stride_w, padding, y.w, Pixels<T>(x)};
    };
    launch_map(make, aligned(x) && aligned(y), y, stream);
}

void avgpool(const DeviceTensor& x, const DeviceTensor& y, Stream stream) {
    const int lanes = written_lanes(y), all = (lanes + vector_lanes(y.type) - 1) / vector_lanes(y.type);
    int vectors = kAverageVectors;
    while (vectors / 2 >= all) vectors /= 2;  // few channels: more threads for each
    const dim3 grid(unsigned((all + vectors - 1) / vectors), unsigned(y.n));
    const dim3 block(unsigned(vectors), unsigned(kAverageThreads / vectors));
    with_type(y.type, [&](auto zero) {
        using T = decltype(zero);
        if (aligned(x) && aligned(y))
            avgpool_sums<T, true><<<grid, block, 0, stream>>>(Pixels<T>(x), Pixels<T>(y), lanes);
        else
            avgpool_sums<T, false><<<grid, block, 0, stream>>>(Pixels<T>(x), Pixels<T>(y), lanes);
    });
    check_launch("avgpool");
}

}  // namespace convoy::kernels::cuda
