// SPDX-License-Identifier: MIT
//
// Device tensors 16 bytes at a time, as floats, whether or not they lie on 16 bytes.
#pragma once

#include <cstdint>

#include "kernels/cuda/lanes.cuh"

namespace convoy::kernels::cuda {

/// 16 bytes' worth of neighbouring channels.
template <typename T>
constexpr int kLanes = 16 / int(sizeof(T));

template <typename T>
struct Vector {
    float lane[kLanes<T>];
};

/// The vector at `p`, of which `valid` lanes exist. Where vectors are aligned it is read whole, else the rest is zero.
template <bool ALIGNED, typename T>
__device__ __forceinline__ Vector<T> read_vector(const T* p, int valid) {
    Vector<T> v;
    if constexpr (ALIGNED) {
        load<T, kLanes<T>>(p, v.lane);
    } else {
#pragma unroll
        for (int i = 0; i < kLanes<T>; ++i) v.lane[i] = i < valid ? float(p[i]) : 0.f;
    }
    return v;
}

template <bool ALIGNED, typename T>
__device__ __forceinline__ void write_vector(T* p, const Vector<T>& v, int valid) {
    if constexpr (ALIGNED) {
        store<T, kLanes<T>>(p, v.lane);
    } else {
#pragma unroll
        for (int i = 0; i < kLanes<T>; ++i)
            if (i < valid) p[i] = T(v.lane[i]);
    }
}

/// A DeviceTensor of a known type.
template <typename T>
struct Pixels {
    T* data;
    int h, w, c, pitch;

    explicit Pixels(const DeviceTensor& t) : data(static_cast<T*>(t.data)), h(t.h), w(t.w), c(t.c), pitch(t.pitch) {}
    /// The vector at `lane` of pixel `i`, counted over the whole batch.
    template <bool ALIGNED>
    __device__ Vector<T> at(std::size_t i, int lane) const {
        return read_vector<ALIGNED>(data + i * pitch + lane, c - lane);
    }
};

inline bool aligned(const DeviceTensor& t) {
    return reinterpret_cast<std::uintptr_t>(t.data) % 16 == 0 && t.pitch % vector_lanes(t.type) == 0;
}

/// Calls f with a value of the element type that `type` stands for.
template <typename F>
void with_type(DataType type, F f) {
    type == DataType::fp16 ? f(__half{}) : f(float{});
}

}  // namespace convoy::kernels::cuda
