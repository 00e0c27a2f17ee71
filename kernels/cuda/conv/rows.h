// SPDX-License-Identifier: MIT
//
// The rows that each file contributes to conv_candidates() (candidates.cpp).
#pragma once

#include "kernels/conv.h"

namespace convoy::kernels::cuda {

std::span<const ConvCandidate> direct_rows();      ///< direct.cu: any problem, plain loops
std::span<const ConvCandidate> first_rows();       ///< first.cu: 3 or 4 input channels
std::span<const ConvCandidate> depthwise_rows();   ///< depthwise.cu: one channel per group
std::span<const ConvCandidate> grouped_rows();     ///< grouped.cu: groups of whole vectors of channels
std::span<const ConvCandidate> igemm_rows();       ///< igemm.cu: tensor cores, compute capability 8.0 and later
std::span<const ConvCandidate> wgmma_rows();       ///< wgmma.cu: tensor cores, compute capability 9.0 alone
std::span<const ConvCandidate> wgmma_halo_rows();  ///< wgmma_halo.cu: the same for stride 1 and more than one tap
std::span<const ConvCandidate> cudnn_rows();       ///< cudnn.cpp
std::span<const ConvCandidate> cublaslt_rows();    ///< cublaslt.cpp: 1x1

/// A row and the clocks that a multiprocessor is reckoned to need with it.
struct EstimatedRow {
    const char* name = nullptr;  // null: none serves, or there are too few tiles
    double clocks = 0;
};

/// The row of wgmma_rows(), or of wgmma_halo_rows(), that is likely to be the fastest.
EstimatedRow wgmma_choice(const Conv& conv, const DeviceCaps& caps);
EstimatedRow wgmma_halo_choice(const Conv& conv, const DeviceCaps& caps);

}  // namespace convoy::kernels::cuda
