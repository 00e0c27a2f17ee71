// SPDX-License-Identifier: MIT
//
// The vocabulary that every kernel shares. Activations are NHWC with a channel pitch; weights KRSC unless a
// kernel packs its own layout (docs/layouts.md draws them).
#pragma once

#include <cstddef>

namespace convoy::kernels {

/// Element-wise function of an epilogue or of a stand-alone pass.
enum class Activation { linear, leaky, relu, logistic, mish, swish };

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

}  // namespace convoy::kernels
