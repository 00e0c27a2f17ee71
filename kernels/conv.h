// SPDX-License-Identifier: MIT
//
// Convolution with a fused epilogue:  y = after(activation(x * w + bias) + residual)
#pragma once

#include <compare>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

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
    auto operator<=>(const ConvProblem&) const = default;
};

namespace cpu {

/// The oracle: seven plain loops, accumulation in double, never optimised. `x` and `y` may be slices.
/// `w` is (K, C/groups, R, S) as Darknet stores it, `bias` (K).
void conv_reference(const ConvProblem& problem, ConstTensor x, const float* w, const float* bias, Tensor y);

/// What a convolution on the CPU reads and writes: fp32, or bf16 with products of bf16 and sums in fp32. What is fp32
/// on one side alone is computed in bf16 if `x` is, else in fp32.
struct ConvTypes {
    DataType x = DataType::fp32, y = DataType::fp32;
    auto operator<=>(const ConvTypes&) const = default;
};

/// Whether this processor multiplies bf16, by AMX or AVX512-BF16, and oneDNN uses that.
bool has_bf16();

/// The library that computes most convolutions, as it was loaded: "oneDNN 2.6.3".
std::string library_version();

/// A kernel made ready for one problem, run any number of times, from one thread at a time. Activations are dense NHWC.
/// Uses the OpenMP threads of the calling thread.
class Conv {
public:
    virtual ~Conv() = default;
    virtual std::size_t packed_bytes() const = 0;   ///< of pack()'s output
    virtual std::size_t scratch_bytes() const = 0;  ///< working memory that run() needs
    /// Whether weights packed for `other`, another kernel for the same layer, serve here too.
    virtual bool shares_packing(const Conv& other) const = 0;
    /// (K, C/groups, R, S) floats, each row k times scale[k] (null: 1), into this kernel's own layout and type.
    virtual void pack(const float* w, const double* scale, void* packed) const = 0;
    /// x (N, H, W, C), bias (K), y (N, P, Q, K): dense, of the types asked for. With `residual`, y holds the residual
    /// before the call.
    virtual void run(const void* x, const void* packed, const float* bias, void* y, void* scratch) const = 0;
    virtual DataType products() const = 0;  ///< what it multiplies: weights are rounded to that
    virtual const char* name() const = 0;
};

/// The best kernel for a problem. What oneDNN refuses is its exception, a std::exception.
std::unique_ptr<Conv> make_conv(const ConvProblem& problem, ConvTypes types = {});

/// oneDNN's best kernel.
class ConvOnednn final : public Conv {
public:
    explicit ConvOnednn(const ConvProblem& problem, ConvTypes types = {});
    ~ConvOnednn() override;
    ConvOnednn(ConvOnednn&&) noexcept;
    ConvOnednn& operator=(ConvOnednn&&) noexcept;

    std::size_t packed_bytes() const override;
    std::size_t scratch_bytes() const override;
    bool shares_packing(const Conv& other) const override;
    void pack(const float* w, const double* scale, void* packed) const override;
    void run(const void* x, const void* packed, const float* bias, void* y, void* scratch) const override;
    DataType products() const override;
    const char* name() const override;  ///< the implementation that oneDNN chose, e.g. "brgconv:avx512_core"

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// A network's first layer, from fp32 to bf16: products and sums are fp32.
class ConvFirst final : public Conv {
public:
    /// Up to four channels, filters by the sixteen, a plain activation; AVX512-BF16.
    static bool supports(const ConvProblem& problem, ConvTypes types);
    explicit ConvFirst(const ConvProblem& problem);

    std::size_t packed_bytes() const override;
    std::size_t scratch_bytes() const override { return 0; }
    bool shares_packing(const Conv&) const override { return true; }
    void pack(const float* w, const double* scale, void* packed) const override;
    void run(const void* x, const void* packed, const float* bias, void* y, void* scratch) const override;
    DataType products() const override { return DataType::fp32; }
    const char* name() const override { return "first:avx512_bf16"; }

private:
    ConvProblem problem_;
};

}  // namespace cpu

namespace cuda {

/// What the multiply-adds are made of. Sums are fp32 in all three.
enum class Math {
    fp32,  ///< fp32 storage and products: no tensor cores
    tf32,  ///< fp32 storage, products of 10-bit mantissas on tensor cores
    fp16,  ///< fp16 storage and products
};
constexpr DataType storage(Math math) { return math == Math::fp16 ? DataType::fp16 : DataType::fp32; }

/// Everything that decides which kernel is the right one: the autotuner's key.
struct Conv {
    ConvProblem problem;
    Math math = Math::fp16;
    int x_pitch = 0, y_pitch = 0, residual_pitch = 0;  ///< elements; see DeviceTensor. residual_pitch: 0 without one
    int upsample = 1;  ///< 2: every output pixel is stored 2x2 times, y is (N, 2P, 2Q, K); never with a residual

    bool depthwise() const { return problem.groups > 1 && problem.groups == problem.c && problem.groups == problem.k; }
    /// Channels per filter as packed: c rounded up (the input's 3 to its pitch of 4), or c / groups as it is.
    int packed_c() const;
    /// Output channels as packed: k rounded up.
    int packed_k() const { return padded_channels(problem.k, storage(math)); }
    std::size_t packed_elements() const;
    bool operator==(const Conv&) const = default;
};

/// Host memory to host memory: w (K, C/groups, R, S) floats, row k times scale[k] (null: 1), to what every candidate
/// reads: (packed_k, R, S, packed_c) of storage(math), or (R, S, packed_k) when depthwise; the surplus is zero.
void pack_weights(const Conv& conv, const float* w, const double* scale, void* packed);

/// Device memory of one launch. Slices point at their first channel.
struct ConvPointers {
    const void* x = nullptr;         ///< (N, H, W, x_pitch); surplus lanes are finite, more lanes are somebody else's
    const void* weights = nullptr;   ///< as pack_weights() leaves them
    const float* bias = nullptr;     ///< (packed_k), the surplus zero
    const void* residual = nullptr;  ///< (N, P, Q, residual_pitch); may be y itself
    void* y = nullptr;               ///< (N, P, Q, y_pitch); packed_k channels of each pixel are written, the surplus
                                     ///< with finite numbers, and nothing beside them
    void* workspace = nullptr;       ///< PreparedConv::workspace_bytes()
    bool backwards = false;          ///< advice: pixels from the last to the first, with the same result
};

/// What a kernel needs to know of the GPU it runs on.
struct DeviceCaps {
    int compute_capability = 0;  ///< 90 for 9.0
    int compiled_for = 0;        ///< tuning.h: the same, or less where the GPU runs code that is older than it
    int multiprocessors = 0;
    std::size_t shared_bytes = 0;  ///< that one block may ask for
    std::size_t l2_bytes = 0;
};

/// The libraries beside our kernels, with handles of their own: cuDNN and cuBLASLt where they can be loaded. Candidates
/// are prepared with them from several threads at once, and launched from one.
class ConvLibraries {
public:
    ConvLibraries();  ///< on the current device
    ~ConvLibraries();
    ConvLibraries(const ConvLibraries&) = delete;
    ConvLibraries& operator=(const ConvLibraries&) = delete;
    /// "cuDNN 9.14.0, cuBLASLt 13.0.0", or why one is missing; part of the tuning cache's key.
    const std::string& description() const;

    struct Impl;
    Impl& impl() const { return *impl_; }

private:
    std::unique_ptr<Impl> impl_;
};

/// A kernel made ready for one Conv. Launches from one thread at a time.
class PreparedConv {
public:
    virtual ~PreparedConv() = default;
    virtual std::size_t workspace_bytes() const { return 0; }
    /// Enqueues only, so that it may be captured into a graph. Throws std::runtime_error when CUDA refuses.
    virtual void launch(const ConvPointers& pointers, Stream stream) const = 0;
    /// What ConvCandidate::restore() makes this again of, in another process, too. Nothing where that brings nothing,
    /// or where this was made so.
    virtual std::string serialized() const { return {}; }
};

/// A row of the table: one way to compute a convolution.
struct ConvCandidate {
    const char* name;  ///< "igemm_128x128x32_s4"
    bool (*supports)(const Conv&, const DeviceCaps&);
    /// Null when it turns out not to serve after all.
    std::unique_ptr<PreparedConv> (*prepare)(const Conv&, const DeviceCaps&, const ConvLibraries&);
    bool library = false;  ///< not a kernel of ours
    /// As prepare(), many times as fast, of what PreparedConv::serialized() gave for the same Conv, kind of GPU and
    /// versions of driver and libraries. Throws std::runtime_error where it is something else. Null: there is no such
    /// way.
    std::unique_ptr<PreparedConv> (*restore)(const Conv&, const std::string&, const ConvLibraries&) = nullptr;
};

/// The whole table: every kernel of ours and every library's. The first row, "direct", supports all and is the oracle.
std::span<const ConvCandidate> conv_candidates();

/// Names this build's kernels: another text where any source file of theirs is another.
const char* kernels_revision();

/// The row to take when nothing may be measured: one of our own kernels, chosen by shape alone.
const char* fixed_choice(const Conv& conv, const DeviceCaps& caps);

}  // namespace cuda
}  // namespace convoy::kernels
