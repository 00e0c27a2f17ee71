// SPDX-License-Identifier: MIT
#include "kernels/local.h"

#include "tests/kernels/local_problems.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"
#include "tests/support/random.h"

using namespace convoy;
using test::OwnedTensor;

TEST_CASE("local: a convolution with other weights at every place, on slices") {
    for (const test::LocalProblem& p : test::local_problems()) {
        INFO(p.h << 'x' << p.w << 'x' << p.c << ", " << p.k << " filters of " << p.how.size);
        OwnedTensor x(2, p.h, p.w, p.c, p.c + 3), y(2, p.out_h(), p.out_w(), p.k, p.k + 1);
        x.fill_random(1, -1, 1);
        const auto weights = test::random_floats(p.weights(), 2), bias = test::random_floats(p.biases(), 3);
        kernels::cpu::local(p.how, weights.data(), bias.data(), x.view(), y.view());
        const auto same = test::compare(y.view(), test::local_by_definition(p, weights, bias, x).view(),
                                        test::dot_bound(std::size_t(p.c * p.how.size * p.how.size + 1), 1.), 0);
        INFO(same.message);
        CHECK(same.ok);
        CHECK(y.gaps_intact());
    }
}
