// SPDX-License-Identifier: MIT
#include "kernels/upsample.h"

#include "tests/kernels/cuda/device_slice.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"

using namespace convoy;
using kernels::DataType;
using test::DeviceSlice;
using test::OwnedTensor;

TEST_CASE("cuda upsample: any stride and scale, into its part of a concatenated tensor") {
    REQUIRE_GPU();
    for (DataType type : test::kTypes)
        for (int stride : {1, 2, 3, 4})
            for (float scale : {1.f, .5f, 1.7f})
                for (int channels : {1, 8, 27, 128}) {
                    INFO("type " << int(type) << ", stride " << stride << ", scale " << scale << ", " << channels
                                 << " channels");
                    DeviceSlice x(type, 2, 5, 7, channels, 136, 8);
                    DeviceSlice y(type, 2, 5 * stride, 7 * stride, channels, 160, 16);
                    const OwnedTensor in = x.fill_random(1);
                    OwnedTensor expected(2, 5 * stride, 7 * stride, channels);
                    kernels::cpu::upsample(stride, scale, in.view(), expected.view());
                    kernels::cuda::upsample(stride, scale, x.tensor(), y.tensor(), nullptr);
                    const auto same = test::compare(y.download().view(), expected.view(), test::absolute_bound(type),
                                                    test::relative_bound(type, 0));
                    INFO(same.message);
                    CHECK(same.ok);
                    CHECK(y.only_vectors_written());
                }
}
