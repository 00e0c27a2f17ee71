// SPDX-License-Identifier: MIT
//
// The vocabulary that every kernel shares. Activations are NHWC with a channel pitch; weights KRSC unless a
// kernel packs its own layout (docs/layouts.md draws them).
#pragma once

#include <cstddef>

#include <convoy/types.h>

struct CUstream_st;

namespace convoy::kernels {

using Stream = CUstream_st*;  ///< CUDA's cudaStream_t, so that headers need no CUDA

/// A batch of activations, dense or a channel slice of a wider tensor. Element (n, y, x, c) lies at
/// data[((n * h + y) * w + x) * pitch + c].
template <typename T>
struct View {
    T* data = nullptr;
    int n = 0, h = 0, w = 0, c = 0;
    int pitch = 0;  ///< elements between neighbouring pixels; > c when this is a slice

    std::size_t pixels() const { return std::size_t(n) * std::size_t(h) * std::size_t(w); }
    T* pixel(std::size_t i) const { return data + i * std::size_t(pitch); }
    T* at(int in, int iy, int ix) const { return pixel((std::size_t(in) * h + iy) * std::size_t(w) + ix); }
    bool dense() const { return pitch == c; }
    operator View<const T>() const { return {data, n, h, w, c, pitch}; }
};

using Tensor = View<float>;
using ConstTensor = View<const float>;

/// Element type of activations and weights in device memory.
enum class DataType { fp32, fp16 };

constexpr std::size_t size_of(DataType type) { return type == DataType::fp16 ? 2 : 4; }

/// Device memory is read and written in vectors of 16 bytes, so channels are rounded up to whole ones. The surplus
/// lanes hold finite values that nobody reads as results: packed weights are zero there.
constexpr int vector_lanes(DataType type) { return type == DataType::fp16 ? 8 : 4; }
constexpr int padded_channels(int c, DataType type) {
    return (c + vector_lanes(type) - 1) / vector_lanes(type) * vector_lanes(type);
}

/// A View in device memory, its element type known at run time. `data` and every pixel are aligned to 16 bytes,
/// `pitch` is a multiple of vector_lanes(); only the network's input, of up to 4 channels, has a pitch of 4.
struct DeviceTensor {
    void* data = nullptr;
    DataType type = DataType::fp32;
    int n = 0, h = 0, w = 0, c = 0;
    int pitch = 0;  ///< elements between neighbouring pixels

    std::size_t pixels() const { return std::size_t(n) * std::size_t(h) * std::size_t(w); }
};

}  // namespace convoy::kernels
