// SPDX-License-Identifier: MIT
//
// Everything in which oneDNN 2 (Debian 12) and oneDNN 3 (Debian 13, Ubuntu 24.04) differ.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

namespace convoy::kernels::cpu::onednn {

/// Shapes and strides of a convolution; dilation counts the skipped pixels (0 = dense).
struct ConvDescription {
    dnnl::memory::desc src, weights, bias, dst;
    dnnl::memory::dims strides, dilation, padding;
};

inline dnnl::convolution_forward::primitive_desc describe(const dnnl::engine& engine, const ConvDescription& d,
                                                          const dnnl::primitive_attr& attr) {
    constexpr auto kind = dnnl::prop_kind::forward_inference;
    constexpr auto algorithm = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
    return {engine, kind,      algorithm,  d.src,     d.weights, d.bias,
            d.dst,  d.strides, d.dilation, d.padding, d.padding, attr};
#else
    const dnnl::convolution_forward::desc desc(kind, algorithm, d.src, d.weights, d.bias, d.dst, d.strides, d.dilation,
                                               d.padding, d.padding);
    return {desc, attr, engine};
#endif
}

inline void append_eltwise(dnnl::post_ops& ops, dnnl::algorithm algorithm, float alpha, float beta) {
#if DNNL_VERSION_MAJOR >= 3
    ops.append_eltwise(algorithm, alpha, beta);
#else
    ops.append_eltwise(1.f, algorithm, alpha, beta);
#endif
}

}  // namespace convoy::kernels::cpu::onednn
