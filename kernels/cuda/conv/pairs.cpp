// SPDX-License-Identifier: MIT
#include <vector>

#include "kernels/cuda/conv/pair_rows.h"

namespace convoy::kernels::cuda {

std::span<const ConvPairCandidate> conv_pair_candidates() {
    static const std::vector<ConvPairCandidate> all = [] {
        std::vector<ConvPairCandidate> rows;
        for (const auto& some : {wgmma_block_rows(), wgmma_stem_rows()})
            rows.insert(rows.end(), some.begin(), some.end());
        return rows;
    }();
    return all;
}

const char* fixed_pair_choice(const ConvPair& pair, const DeviceCaps& caps) {
    for (const ConvPairCandidate& row : conv_pair_candidates())
        if (row.supports(pair, caps) && row.pays(pair, caps)) return row.name;
    return nullptr;
}

}  // namespace convoy::kernels::cuda
