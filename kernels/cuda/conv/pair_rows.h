// SPDX-License-Identifier: MIT
//
// The rows that each file contributes to conv_pair_candidates() (pairs.cpp).
#pragma once

#include "kernels/conv_pair.h"

namespace convoy::kernels::cuda {

// Empty where the kernels are: unless they are compiled for compute capability 9.0 alone.
std::span<const ConvPairCandidate> wgmma_block_rows();  ///< wgmma_block.cu: 1x1, then 3x3 with a residual
std::span<const ConvPairCandidate> wgmma_stem_rows();   ///< wgmma_stem.cu: the first layer, then 3x3 with stride 2

}  // namespace convoy::kernels::cuda
