// SPDX-License-Identifier: MIT
//
// What test_conv_candidates.cpp does not see of tf32: how factors are rounded, and Hopper's choice by rule.
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/conv.h"
#include "tests/kernels/conv_problems.h"
#include "tests/support/catch.h"
#include "tests/support/cuda.h"

using namespace convoy;
using kernels::ConvProblem;
using kernels::DataType;
using kernels::cuda::Conv;
using kernels::cuda::ConvCandidate;
using kernels::cuda::DeviceCaps;
using kernels::cuda::Math;
using test::conv;

namespace {

Conv dense(const ConvProblem& problem, int upsample = 1) {
    Conv key{problem, Math::tf32};
    key.x_pitch = kernels::padded_channels(problem.c, DataType::fp32), key.y_pitch = key.packed_k();
    key.residual_pitch = problem.residual ? key.y_pitch : 0, key.upsample = upsample;
    return key;
}

bool starts(std::string_view text, std::string_view with) { return text.substr(0, with.size()) == with; }

const char* kFamilies[] = {"direct", "igemm_tf32_", "wgmma_tf32_"};

bool ours(const ConvCandidate& row) {
    return std::any_of(std::begin(kFamilies), std::end(kFamilies), [&](auto name) { return starts(row.name, name); });
}

}  // namespace

// Factors that are cut off are too small by up to two halves of a last place, all of them in the same direction.
TEST_CASE("conv_candidates(): tf32 rounds factors to the nearest") {
    REQUIRE_GPU();
    const DeviceCaps caps = test::current_caps();
    const kernels::cuda::ConvLibraries libraries;
    const Conv key = dense(conv(1, 16, 16, 40, 136, 3));  // whole and cut stages and tiles, and padding
    const ConvProblem& p = key.problem;
    const float unit = std::ldexp(1.f, -10);  // a last place of tf32 at 1
    const std::size_t pixels = std::size_t(p.h) * p.w;
    const std::vector<float> bias(p.k);
    for (const auto& [x, w] : {std::pair(1 + .75f * unit, 1.f), std::pair(1 + .25f * unit, 1.f),
                               std::pair(1.f, 1 + .75f * unit), std::pair(1.f, -1 - .75f * unit)}) {
        const test::DeviceBytes x_device = test::upload(std::vector<float>(pixels * p.c, x));
        const test::DeviceBytes w_device = test::upload(std::vector<float>(key.packed_elements(), w));
        const test::DeviceBytes bias_device = test::upload(bias);
        for (const ConvCandidate& row : kernels::cuda::conv_candidates()) {
            if (!ours(row) || !row.supports(key, caps)) continue;
            const auto kernel = row.prepare(key, caps, libraries);
            REQUIRE(kernel);
            const test::DeviceBytes workspace(kernel->workspace_bytes()), y(pixels * p.k * sizeof(float));
            kernel->launch({.x = x_device.data(),
                            .weights = w_device.data(),
                            .bias = static_cast<const float*>(bias_device.data()),
                            .y = y.data(),
                            .workspace = workspace.data()},
                           nullptr);
            test::cuda_ok(cudaDeviceSynchronize());
            const std::vector<float> sums = test::download<float>(y.data(), pixels * p.k);
            for (std::size_t i = 0; i < sums.size(); ++i) {
                const int row_of = int(i / p.k) / p.w, column = int(i / p.k) % p.w;
                const int taps = (row_of % (p.h - 1) ? 3 : 2) * (column % (p.w - 1) ? 3 : 2);  // inside of the picture
                const double terms = double(taps) * p.c, error = sums[i] / terms - double(x) * w;
                if (std::abs(error) <= unit / 2) continue;
                FAIL_CHECK(row.name << ", " << x << " times " << w << ": off by " << error / unit
                                    << " last places at pixel " << i / p.k << ", channel " << i % p.k);
                break;
            }
        }
    }
}

// By shape alone, so without any GPU.
TEST_CASE("fixed_choice(): tf32 on Hopper takes its own family where tiles are many and full") {
    const auto all = kernels::cuda::conv_candidates();
    const bool compiled =
        std::any_of(all.begin(), all.end(), [](const auto& row) { return starts(row.name, "wgmma_tf32_"); });
    const auto choice = [](const Conv& key, int compute_capability) {
        return std::string(kernels::cuda::fixed_choice(
            key, {compute_capability, compute_capability, 132, std::size_t(227) << 10, std::size_t(50) << 20}));
    };
    const auto check = [&](const Conv& key, const char* family) {
        const std::string row = choice(key, 90);
        INFO(test::describe(key.problem) << ": " << row);
        CHECK(starts(row, compiled ? family : "igemm_tf32_"));
        CHECK(starts(choice(key, 100), "igemm_tf32_"));
    };

    ConvProblem residual = conv(32, 52, 52, 128, 256, 3), dilated = conv(32, 26, 26, 256, 512, 3);
    residual.activation = Activation::mish, residual.residual = true;
    dilated.dilation = 2, dilated.pad_h = dilated.pad_w = 2;
    check(dense(residual), "wgmma_tf32_128x");
    check(dense(dilated), "wgmma_tf32_128x");
    check(dense(conv(32, 13, 13, 512, 1024, 3)), "wgmma_tf32_128x");
    check(dense(conv(32, 13, 13, 1024, 255, 1)), "wgmma_tf32_");
    check(dense(conv(32, 104, 104, 64, 128, 3, 2)), "wgmma_tf32_128x");
    check(dense(conv(8, 104, 104, 128, 64, 1)), "wgmma_tf32_64x");
    check(dense(conv(32, 26, 26, 512, 128, 1), 2), "wgmma_tf32_128x");

    // A residual after which the activation is more than a slope is nothing that the family computes.
    residual.after_residual = Activation::mish;
    check(dense(residual), "igemm_tf32_");
    check(dense(conv(1, 13, 13, 512, 1024, 3)), "igemm_tf32_");
    check(dense(conv(32, 104, 104, 8, 64, 3)), "igemm_tf32_");
    check(dense(conv(32, 26, 26, 256, 18, 1)), "igemm_tf32_");
}
