// SPDX-License-Identifier: MIT
#include "kernels/cuda/conv/pair_rows.h"

namespace convoy::kernels::cuda {

std::span<const ConvPairCandidate> wgmma_block_rows() { return {}; }

}  // namespace convoy::kernels::cuda
