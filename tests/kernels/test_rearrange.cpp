// SPDX-License-Identifier: MIT
#include "kernels/rearrange.h"

#include <vector>

#include "tests/kernels/rearrangements.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"
#include "tests/support/random.h"

using namespace convoy;
using test::OwnedTensor;

TEST_CASE("rearrange: Darknet's own loops over planar pictures, on slices") {
    for (const test::RearrangeCase& c : test::rearrange_cases()) {
        INFO(c.name);
        OwnedTensor x(2, c.x.h, c.x.w, c.x.c, c.x.c + 3), y(2, c.y.h, c.y.w, c.y.c, c.y.c + 2);
        x.fill_random(1, -3, 3);
        kernels::cpu::rearrange(c.how, x.view(), y.view());
        const OwnedTensor expected = test::rearranged_by_darknet(c, x);
        const auto same = test::compare(y.view(), expected.view(), 0, 0);
        INFO(same.message);
        CHECK(same.ok);
        CHECK(x.gaps_intact());
        CHECK(y.gaps_intact());
    }
}
