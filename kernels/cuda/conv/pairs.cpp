// SPDX-License-Identifier: MIT
#include <algorithm>
#include <limits>
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

bool may_be_pair(const ConvProblem& first, const ConvProblem& second) {
    constexpr DeviceCaps kHopper{90, 90, 1, std::numeric_limits<std::size_t>::max(), 0};
    const auto conv = [](const ConvProblem& p) {
        const int x = p.c <= 4 ? 4 : padded_channels(p.c, DataType::fp16), y = padded_channels(p.k, DataType::fp16);
        return Conv{p, Math::fp16, x, y, p.residual ? y : 0, 1};
    };
    const ConvPair pair{conv(first), conv(second), second.residual};
    return std::ranges::any_of(conv_pair_candidates(), [&](const auto& row) { return row.supports(pair, kHopper); });
}

const char* fixed_pair_choice(const ConvPair& pair, const DeviceCaps& caps) {
    for (const ConvPairCandidate& row : conv_pair_candidates())
        if (row.supports(pair, caps) && row.pays(pair, caps)) return row.name;
    return nullptr;
}

}  // namespace convoy::kernels::cuda
