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

struct FixedTile {
    const char* row;
    int bm, bn;
};
/// From the fastest where there are enough tiles to the one for few. An fp16 tile that the shared memory of some
/// GPUs has no room for (99 KB on 8.6, 8.9 and 12.0) stands before the like of it that takes less; in tf32 these GPUs
/// have the small tiles alone.
constexpr FixedTile kFixedTiles[] = {
    {"igemm_128x128x64_s3", 128, 128},       {"igemm_128x128x32_s4", 128, 128},
    {"igemm_128x64x64_s4", 128, 64},         {"igemm_128x64x32_s5", 128, 64},
    {"igemm_64x64x64_s4", 64, 64},           {"igemm_128x32x64_s3", 128, 32},
    {"igemm_plain_128x128x32_s2", 128, 128}, {"igemm_plain_128x64x32_s2", 128, 64},
    {"igemm_plain_64x64x32_s2", 64, 64},     {"igemm_plain_128x32x32_s2", 128, 32},
    {"igemm_tf32_128x128x32_s3", 128, 128},  {"igemm_tf32_128x64x32_s4", 128, 64},
    {"igemm_tf32_64x64x32_s4", 64, 64},      {"igemm_tf32_128x32x32_s3", 128, 32},
};

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
    const auto suits = [&](const FixedTile& tile) {
        if (p.k <= 32 || tile.bn <= 32) return p.k <= 32 && tile.bn <= 32;
        if (tile.bm == 64) return true;
        const std::size_t pixels = std::size_t(p.n) * p.p() * p.q();
        const std::size_t tiles = ((pixels + tile.bm - 1) / tile.bm) * ((std::size_t(p.k) + tile.bn - 1) / tile.bn);
        return (tile.bn == 64 || p.k > 64) && tiles >= std::size_t(caps.multiprocessors);
    };
    for (const FixedTile& tile : kFixedTiles) {
        if (!suits(tile)) continue;
        for (const ConvCandidate& row : igemm_rows())
            if (std::string_view(row.name) == tile.row && row.supports(conv, caps)) return row.name;
    }
    return "direct";
}

}  // namespace convoy::kernels::cuda
