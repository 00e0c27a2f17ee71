// SPDX-License-Identifier: MIT
#include <array>
#include <limits>
#include <string_view>
#include <vector>

#include "kernels/cuda/conv/rows.h"

namespace convoy::kernels::cuda {
namespace {

std::array<std::span<const ReckonedRow>, 4> reckoned_rows() {
    return {igemm_fp32_rows(), wgmma_rows(), wgmma_halo_rows(), wgmma_share_rows()};
}

/// The row that is likely to be the fastest, of those that are reckoned; null where none serves well.
const char* reckoned_choice(const Conv& conv, const DeviceCaps& caps) {
    const char* best = nullptr;
    double least = std::numeric_limits<double>::infinity();
    for (const auto& some : reckoned_rows())
        for (const ReckonedRow& row : some) {
            if (!row.candidate.supports(conv, caps)) continue;
            if (const double clocks = row.clocks(conv, caps); clocks < least) {
                least = clocks;
                best = row.candidate.name;
            }
        }
    return best;
}

}  // namespace

std::span<const ConvCandidate> conv_candidates() {
    static const std::vector<ConvCandidate> all = [] {
        std::vector<ConvCandidate> rows;
        const auto add = [&](std::span<const ConvCandidate> some) {
            rows.insert(rows.end(), some.begin(), some.end());
        };
        for (const auto& some : {direct_rows(), first_rows(), depthwise_rows(), grouped_rows(), igemm_rows()})
            add(some);
        for (const auto& some : reckoned_rows())
            for (const ReckonedRow& row : some) rows.push_back(row.candidate);
        for (const auto& some : {cudnn_rows(), cublaslt_rows()}) add(some);
        return rows;
    }();
    return all;
}

const char* kernels_revision() { return CONVOY_KERNELS_REVISION; }

// The largest tile of which there are enough for all multiprocessors; tiles of few channels where there are few.
const char* fixed_choice(const Conv& conv, const DeviceCaps& caps) {
    for (const auto& special : {depthwise_rows(), grouped_rows(), first_rows()})
        for (const ConvCandidate& row : special)
            if (row.supports(conv, caps)) return row.name;
    if (const char* row = reckoned_choice(conv, caps)) return row;
    const ConvProblem& p = conv.problem;
    const auto tiles = [&](int bm, int bn) {
        return ((std::size_t(p.n) * p.p() * p.q() + bm - 1) / bm) * ((std::size_t(p.k) + bn - 1) / bn);
    };
    const auto enough = [&](int bm, int bn) { return tiles(bm, bn) >= std::size_t(caps.multiprocessors); };
    const bool half = conv.math == Math::fp16;
    std::string_view tile = half ? "igemm_64x64x64_s" : "igemm_tf32_64x64x32_s";
    if (p.k <= 32)
        tile = half ? "igemm_128x32x64_s" : "igemm_tf32_128x32x32_s";
    else if (p.k > 64 && enough(128, 128))
        tile = half ? "igemm_128x128x64_s" : "igemm_tf32_128x128x32_s";
    else if (enough(128, 64))
        tile = half ? "igemm_128x64x64_s" : "igemm_tf32_128x64x32_s";
    for (const ConvCandidate& row : igemm_rows())
        if (std::string_view(row.name).starts_with(tile) && row.supports(conv, caps)) return row.name;
    return "direct";
}

}  // namespace convoy::kernels::cuda
