// SPDX-License-Identifier: MIT
//
// A picture's numbers do not depend on its place in a batch, nor on what lies beside it.
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
            for (Math math : {Math::fp16, Math::tf32, Math::fp32}) {
                problem.activation = activation, problem.residual = problem.c == 72;
                layout.residual_elsewhere = problem.residual;
                const test::ConvCase item(problem, kernels::cuda::storage(math), layout);
                for (const ConvCandidate& row : kernels::cuda::conv_candidates()) {
                    const std::string name = row.name;
                    if (name.rfind("cudnn", 0) == 0 || name.rfind("cublaslt", 0) == 0) continue;
                    if (!row.supports(item.conv(math), caps)) continue;
                    INFO(name << ": " << item.describe());
                    const auto kernel = row.prepare(item.conv(math), caps, libraries);
                    REQUIRE(kernel);
                    const test::DeviceBytes workspace(kernel->workspace_bytes());
                    CHECK(item.differing_pictures(item.run(*kernel, workspace.data())) == 0);
                    ++tried;
                }
            }
    CHECK(tried > 0);
}
