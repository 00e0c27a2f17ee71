// SPDX-License-Identifier: MIT
//
// The vocabulary that every kernel shares. Activations are NHWC with a channel pitch; weights KRSC unless a
// kernel packs its own layout (docs/layouts.md draws them).
#pragma once

#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>

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

/// The upper half of a float: its range with 8 bits of precision.
struct Bf16 {
    std::uint16_t bits;
};
inline float to_float(Bf16 x) { return std::bit_cast<float>(std::uint32_t(x.bits) << 16); }
/// To the nearest, to even where two are as near; NaN stays NaN.
inline Bf16 to_bf16(float x) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    const std::uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16, quiet = bits >> 16 | 0x40;
    return {std::uint16_t((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded)};
}

using Tensor = View<float>;
using ConstTensor = View<const float>;
using Bf16Tensor = View<Bf16>;
using ConstBf16Tensor = View<const Bf16>;

/// Element type of activations and weights: fp32 and fp16 in device memory, fp32 and bf16 in the host's.
enum class DataType { fp32, fp16, bf16 };

constexpr std::size_t size_of(DataType type) { return type == DataType::fp32 ? 4 : 2; }

/// A View in host memory whose element type, fp32 or bf16, is known at run time.
struct HostTensor {
    void* data = nullptr;
    DataType type = DataType::fp32;
    int n = 0, h = 0, w = 0, c = 0;
    int pitch = 0;  ///< elements between neighbouring pixels

    std::size_t pixels() const { return std::size_t(n) * std::size_t(h) * std::size_t(w); }
    Tensor floats() const {
        assert(type == DataType::fp32);
        return {static_cast<float*>(data), n, h, w, c, pitch};
    }
    Bf16Tensor bf16() const {
        assert(type == DataType::bf16);
        return {static_cast<Bf16*>(data), n, h, w, c, pitch};
    }
    /// The channels from `first` on, `count` of them.
    HostTensor channels(int first, int count) const {
        return {static_cast<std::byte*>(data) + std::size_t(first) * size_of(type), type, n, h, w, count, pitch};
    }
};

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
