// SPDX-License-Identifier: MIT
#include "kernels/rearrange.h"

#include "tests/kernels/cuda/device_slice.h"
#include "tests/kernels/rearrangements.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"

using namespace convoy;
using kernels::DataType;
using test::DeviceSlice;
using test::OwnedTensor;

TEST_CASE("cuda rearrange: Darknet's own loops, on slices") {
    REQUIRE_GPU();
    for (DataType type : test::kTypes)
        for (const test::RearrangeCase& c : test::rearrange_cases()) {
            INFO("type " << int(type) << ", " << c.name);
            const auto pitch = [](int channels) { return (channels + 7) / 8 * 8 + 16; };
            DeviceSlice x(type, 2, c.x.h, c.x.w, c.x.c, pitch(c.x.c), 8),
                y(type, 2, c.y.h, c.y.w, c.y.c, pitch(c.y.c), 8);
            const OwnedTensor expected = test::rearranged_by_darknet(c, x.fill_random(1));
            kernels::cuda::rearrange(c.how, x.tensor(), y.tensor(), nullptr);
            // Twice a number less one: one side rounds the product and the other may not.
            const auto same =
                test::compare(y.download().view(), expected.view(), test::absolute_bound(type, std::ldexp(2., -23)),
                              test::relative_bound(type, 0));
            INFO(same.message);
            CHECK(same.ok);
            CHECK(y.only_vectors_written());
        }
}
