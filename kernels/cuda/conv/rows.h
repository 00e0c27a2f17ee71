// SPDX-License-Identifier: MIT
//
// The rows that each file contributes to conv_candidates() (candidates.cpp).
#pragma once

#include "kernels/conv.h"

namespace convoy::kernels::cuda {

std::span<const ConvCandidate> direct_rows();     ///< direct.cu: any problem, plain loops
std::span<const ConvCandidate> first_rows();      ///< first.cu: 3 or 4 input channels
std::span<const ConvCandidate> depthwise_rows();  ///< depthwise.cu: one channel per group
std::span<const ConvCandidate> grouped_rows();    ///< grouped.cu: groups of whole vectors of channels
std::span<const ConvCandidate> igemm_rows();      ///< igemm.cu: tensor cores, compute capability 8.0 and later
std::span<const ConvCandidate> wgmma_rows();      ///< wgmma.cu: tensor cores, compute capability 9.0 alone
std::span<const ConvCandidate> cudnn_rows();      ///< cudnn.cpp
std::span<const ConvCandidate> cublaslt_rows();   ///< cublaslt.cpp: 1x1

/// The row of wgmma_rows() that is likely to be the fastest; null where none serves or the tiles are too few.
const char* wgmma_choice(const Conv& conv, const DeviceCaps& caps);

}  // namespace convoy::kernels::cuda
