// SPDX-License-Identifier: MIT
#include "bench/conv_runner.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "engine/cuda/conv_check.h"

namespace convoy::bench {
namespace k = kernels::cuda;

namespace {

constexpr std::size_t kMaxWorkspace = std::size_t(1) << 30;
constexpr double kFarBehind = 2;  // times the fastest first sample: not worth all the rounds

std::size_t out_pixels(const k::Conv& conv) {
    return std::size_t(conv.problem.n) * conv.problem.p() * conv.problem.q() * conv.upsample * conv.upsample;
}
std::size_t in_pixels(const k::Conv& conv) { return std::size_t(conv.problem.n) * conv.problem.h * conv.problem.w; }

}  // namespace

double bytes_moved(const k::Conv& conv) {
    const double element = double(kernels::size_of(k::storage(conv.math)));
    const double in = double(in_pixels(conv)) * conv.packed_c() * conv.problem.groups;
    const double out = double(out_pixels(conv)) * conv.packed_k() * (conv.problem.residual ? 2 : 1);
    return element * (in + double(conv.packed_elements()) + out) + 4.0 * conv.packed_k();
}

std::vector<RowTiming> ConvRunner::run(const k::Conv& conv, const RowChoice& choice) {
    const k::DeviceCaps& caps = harness_.device().caps;
    ConvCheck check(conv, caps, libraries_, harness_.stream(), harness_.patience());
    const k::ConvCandidate& oracle = k::conv_candidates().front();

    std::vector<RowTiming> rows;
    std::vector<std::unique_ptr<k::PreparedConv>> kernels;
    std::vector<GpuHarness::Work> works;
    for (const k::ConvCandidate& candidate : k::conv_candidates()) {
        if (!std::regex_search(candidate.name, choice.name) || !candidate.supports(conv, caps)) continue;
        std::unique_ptr<k::PreparedConv> kernel = candidate.prepare(conv, caps, libraries_);
        if (!kernel || kernel->workspace_bytes() > kMaxWorkspace) continue;
        ConvCheck::Verdict verdict = check.judge(*kernel);
        rows.push_back({candidate.name,
                        candidate.library,
                        verdict.error,
                        std::move(verdict.fault),
                        kernel->workspace_bytes(),
                        {}});
        kernels.push_back(std::move(kernel));
    }

    const bool ours =
        std::any_of(rows.begin(), rows.end(), [&](const RowTiming& r) { return !r.library && r.row != oracle.name; });
    std::vector<std::size_t> racing;
    double best = INFINITY;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (!rows[i].fault.empty() || (ours && !choice.oracle && rows[i].row == oracle.name)) continue;
        const auto work = [&check, &kernel = *kernels[i]](cudaStream_t s) { check.launch(kernel, s); };
        rows[i].samples = harness_.measure(work, 1, 1);
        best = std::min(best, rows[i].us());
        works.push_back(work);
        racing.push_back(i);
    }
    for (std::size_t j = racing.size(); j-- > 0;)
        if (rows[racing[j]].us() > kFarBehind * best) {
            racing.erase(racing.begin() + std::ptrdiff_t(j));
            works.erase(works.begin() + std::ptrdiff_t(j));
        }
    const std::vector<GpuSamples> samples = harness_.measure(works, choice.warmup, choice.rounds);
    for (std::size_t j = 0; j < racing.size(); ++j) rows[racing[j]].samples = samples[j];
    return rows;
}

std::vector<RowTiming> ConvRunner::run(const k::ConvPair& pair, const RowChoice& choice) {
    const k::DeviceCaps& caps = harness_.device().caps;
    const ConvCheck first(pair.first, caps, libraries_, harness_.stream(), harness_.patience());
    ConvCheck second(first, pair.second, caps, libraries_);
    std::vector<RowTiming> rows;
    for (const k::ConvPairCandidate& candidate : k::conv_pair_candidates()) {
        if (!std::regex_search(candidate.name, choice.name) || !candidate.supports(pair, caps)) continue;
        const std::unique_ptr<k::PreparedConvPair> kernel = candidate.prepare(pair, caps);
        ConvCheck::Verdict verdict = second.judge(*kernel, first);
        rows.push_back({candidate.name, false, verdict.error, std::move(verdict.fault), 0, {}});
        if (!rows.back().fault.empty()) continue;
        rows.back().samples =
            harness_.measure([&](cudaStream_t s) { second.launch(*kernel, first, s); }, choice.warmup, choice.rounds);
    }
    return rows;
}

double ConvRunner::peak_flops(k::Math math, int rounds) {
    k::Conv conv;
    conv.math = math;
    conv.problem.h = 64, conv.problem.w = 128;
    conv.problem.c = conv.problem.k = conv.x_pitch = conv.y_pitch = 8192;
    double best = 0;
    for (const RowTiming& row : run(conv, {std::regex(""), false, 1, rounds}))
        if (row.timed()) best = std::max(best, conv.problem.flops() / row.us() * 1e6);
    return best;
}

}  // namespace convoy::bench
