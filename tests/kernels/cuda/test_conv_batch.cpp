// SPDX-License-Identifier: MIT
//
// A picture's numbers do not depend on its place in a batch, nor on what lies beside it. The kernel that is chosen by
// rule depends on how many there are.
#include <algorithm>
#include <string>
#include <vector>

#include "kernels/conv.h"
#include "tests/kernels/cuda/conv_case.h"
#include "tests/support/catch.h"

using namespace convoy;
using kernels::ConvProblem;
using kernels::DataType;
using kernels::cuda::ConvCandidate;
using kernels::cuda::Math;
using test::conv;

// Two values share a quotient's reciprocal, and one in some 20,000 halves shows which two. Of 19x19 pixels every other
// picture begins at an odd one.
TEST_CASE("conv_candidates(): the same picture four times in a batch gives the same bits four times") {
    REQUIRE_GPU();
    const kernels::cuda::DeviceCaps caps = test::current_caps();
    const kernels::cuda::ConvLibraries libraries;
    test::ConvLayout layout;
    layout.one_picture = true;
    int tried = 0;
    for (Activation activation : {Activation::mish, Activation::swish, Activation::logistic, Activation::leaky})
        for (ConvProblem problem : {conv(4, 19, 19, 64, 256, 1), conv(4, 19, 19, 64, 256, 3),
                                    conv(4, 13, 13, 72, 264, 3), conv(4, 27, 21, 40, 264, 3, 2)})
            for (DataType type : {DataType::fp16, DataType::fp32}) {
                problem.activation = activation, problem.residual = problem.c == 72;
                layout.residual_elsewhere = problem.residual;
                const test::ConvCase item(problem, type, layout);
                for (Math math : {Math::fp16, Math::tf32, Math::fp32}) {
                    if (kernels::cuda::storage(math) != type) continue;
                    for (const ConvCandidate& row : kernels::cuda::conv_candidates()) {
                        if (test::library_missing(row) || !row.supports(item.conv(math), caps)) continue;
                        INFO(row.name << ": " << item.describe());
                        const auto kernel = row.prepare(item.conv(math), caps, libraries);
                        REQUIRE(kernel);
                        const test::DeviceBytes workspace(kernel->workspace_bytes());
                        CHECK(item.differing_pictures(item.run(*kernel, workspace.data())) == 0);
                        ++tried;
                    }
                }
            }
    CHECK(tried > 0);
}

// By shape alone, so without any GPU.
TEST_CASE("fixed_choice(): on Hopper two warpgroups share a tile where a multiprocessor has but one") {
    const auto all = kernels::cuda::conv_candidates();
    const auto begins = [](const std::string& text, const char* with) { return text.rfind(with, 0) == 0; };
    if (std::none_of(all.begin(), all.end(), [&](const auto& row) { return begins(row.name, "wgmma_both_"); }))
        SKIP_TEST_CASE("no kernel of that kind is compiled");
    const auto choice = [](const ConvProblem& problem, int upsample = 1) {
        kernels::cuda::Conv key{problem, Math::fp16};
        key.x_pitch = kernels::padded_channels(problem.c, DataType::fp16), key.y_pitch = key.packed_k();
        key.upsample = upsample;
        return std::string(
            kernels::cuda::fixed_choice(key, {90, 90, 132, std::size_t(227) << 10, std::size_t(50) << 20}));
    };
    const auto check = [&](const std::string& row, const char* with) {
        INFO(row << ", not " << with);
        CHECK(begins(row, with));
    };
    check(choice(conv(1, 104, 104, 64, 128, 3)), "wgmma_both_128x88x64");
    check(choice(conv(1, 52, 52, 256, 128, 1)), "wgmma_both_128x64x64");
    check(choice(conv(4, 26, 26, 256, 512, 3)), "wgmma_both_128x");
    check(choice(conv(32, 26, 26, 256, 512, 3)), "wgmma_128x168x64");  // six tiles each
    check(choice(conv(1, 26, 26, 256, 512, 3)), "wgmma_share_104_split2");
    check(choice(conv(1, 13, 13, 256, 128, 1), 2), "wgmma_share_");  // of few tiles an upsampled one takes long
    check(choice(conv(1, 26, 26, 256, 128, 1), 2), "wgmma_share_");
    check(choice(conv(1, 26, 26, 512, 1024, 3, 2)), "wgmma_share_104_split3");  // pixels of every tap come anew
}
