// SPDX-License-Identifier: MIT
#include "kernels/local.h"

#include "tests/kernels/cuda/device_slice.h"
#include "tests/kernels/local_problems.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"

using namespace convoy;
using kernels::DataType;
using test::DeviceSlice;
using test::OwnedTensor;

TEST_CASE("cuda local: a convolution with other weights at every place, on slices") {
    REQUIRE_GPU();
    for (DataType type : test::kTypes)
        for (const test::LocalProblem& p : test::local_problems()) {
            INFO("type " << int(type) << ", " << p.h << 'x' << p.w << 'x' << p.c << ", " << p.k << " filters");
            DeviceSlice x(type, 2, p.h, p.w, p.c, 64, 8), y(type, 2, p.out_h(), p.out_w(), p.k, 40, 16);
            const OwnedTensor in = x.fill_random(1);
            const auto weights = test::random_floats(p.weights(), 2), bias = test::random_floats(p.biases(), 3);
            const auto device_weights = test::upload(weights), device_bias = test::upload(bias);
            kernels::cuda::local(p.how, static_cast<const float*>(device_weights.data()),
                                 static_cast<const float*>(device_bias.data()), x.tensor(), y.tensor(), nullptr);
            const auto same = test::compare(
                y.download().view(), test::local_by_definition(p, weights, bias, in).view(),
                test::absolute_bound(type, test::dot_bound(std::size_t(p.c * p.how.size * p.how.size + 1), 1.)),
                test::relative_bound(type, 0));
            INFO(same.message);
            CHECK(same.ok);
            CHECK(y.only_vectors_written());
        }
}
