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
std::span<const ConvCandidate> igemm_rows();      ///< igemm.cu: tensor cores, compute capability 7.5 and later
std::span<const ConvCandidate> cudnn_rows();      ///< cudnn.cpp
std::span<const ConvCandidate> cublaslt_rows();   ///< cublaslt.cpp: 1x1

/// A row with what fixed_choice() goes by.
struct ReckonedRow {
    ConvCandidate candidate;
    /// That a multiprocessor is reckoned to need for what the row supports; infinity where the tiles are too few.
    double (*clocks)(const Conv&, const DeviceCaps&);
};
std::span<const ReckonedRow> igemm_fp32_rows();  ///< igemm.cu: CUDA cores, true fp32, compute capability 8.0 and later
// Empty where the kernels are: unless they are compiled for compute capability 9.0 alone.
std::span<const ReckonedRow> wgmma_rows();        ///< wgmma.cu: tensor cores
std::span<const ReckonedRow> wgmma_halo_rows();   ///< wgmma_halo.cu: the same for stride 1 and more than one tap
std::span<const ReckonedRow> wgmma_share_rows();  ///< wgmma_share.cu: few pixels, whose blocks share a tile

}  // namespace convoy::kernels::cuda
