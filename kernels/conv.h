// SPDX-License-Identifier: MIT
//
// Convolution with a fused epilogue:  y = after(activation(x * w + bias) + residual)
#pragma once

#include <cstddef>
#include <memory>

#include "kernels/types.h"

namespace convoy::kernels {

/// One convolution, batch included. Output rows p() = (h + 2 pad - dilation (r - 1) - 1) / stride_h + 1.
struct ConvProblem {
    int n = 1, h = 0, w = 0, c = 0;  // input (N, H, W, C)
    int k = 0;                       // output channels
    int r = 1, s = 1;                // kernel rows, columns
    int stride_h = 1, stride_w = 1;
    int pad_h = 0, pad_w = 0;  // on both sides
    int dilation = 1;
    int groups = 1;  // c and k are multiples of it
    Activation activation = Activation::linear;
    bool residual = false;  // add y's old contents (in place) after the activation
    Activation after_residual = Activation::linear;

    int p() const { return (h + 2 * pad_h - dilation * (r - 1) - 1) / stride_h + 1; }
    int q() const { return (w + 2 * pad_w - dilation * (s - 1) - 1) / stride_w + 1; }
    std::size_t weight_count() const { return std::size_t(k) * (c / groups) * r * s; }
    double flops() const { return 2.0 * n * p() * q() * double(weight_count()); }
    bool operator==(const ConvProblem&) const = default;
};

namespace cpu {

/// The oracle: seven plain loops, accumulation in double, never optimised. `x` and `y` may be slices.
/// `w` is (K, C/groups, R, S) as Darknet stores it, `bias` (K).
void conv_reference(const ConvProblem& problem, ConstTensor x, const float* w, const float* bias, Tensor y);

/// oneDNN's best kernel for one problem, prepared once and run any number of times, from one thread at a time.
/// Activations are dense NHWC. Uses the OpenMP threads of the calling thread. What oneDNN refuses is its exception, a
/// std::exception.
class ConvOnednn {
public:
    explicit ConvOnednn(const ConvProblem& problem);
    ~ConvOnednn();
    ConvOnednn(ConvOnednn&&) noexcept;
    ConvOnednn& operator=(ConvOnednn&&) noexcept;

    std::size_t packed_bytes() const;   ///< of pack()'s output
    std::size_t scratch_bytes() const;  ///< working memory that run() needs
    /// Whether weights packed for `other` (another batch size of the same layer) serve here too.
    bool shares_packing(const ConvOnednn& other) const;
    /// (K, C/groups, R, S) floats, each row k times scale[k] (null: 1), into this kernel's own layout.
    void pack(const float* w, const double* scale, void* packed) const;
    /// x (N, H, W, C), bias (K), y (N, P, Q, K): dense. With `residual`, y holds the residual before the call.
    void run(const float* x, const void* packed, const float* bias, float* y, void* scratch) const;
    const char* name() const;  ///< the implementation that oneDNN chose, e.g. "brgconv:avx512_core"

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace cpu
}  // namespace convoy::kernels
