// SPDX-License-Identifier: MIT
#include "kernels/channels.h"

#include "tests/kernels/cuda/device_slice.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"

using namespace convoy;
using kernels::DataType;
using test::DeviceSlice;
using test::OwnedTensor;

namespace {

// Sums in another order, of terms whose exponents are off by units in the last place of up to 12 / temperature.
const double kBound = 128 * std::ldexp(1., -24);

void check_same(const DeviceSlice& actual, const OwnedTensor& expected, DataType type, double own) {
    const auto same = test::compare(actual.download().view(), expected.view(), test::absolute_bound(type, 1e-30),
                                    test::relative_bound(type, own));
    INFO(same.message);
    CHECK(same.ok);
    CHECK(actual.only_vectors_written());
}

}  // namespace

TEST_CASE("cuda softmax and normalize_channels: the CPU's, on slices and in place") {
    REQUIRE_GPU();
    for (DataType type : test::kTypes)
        for (int channels : {1, 8, 27, 96, 255})
            for (int kind = 0; kind < 5; ++kind) {
                const int groups = kind == 4 ? 3 : 1;
                if (channels % groups != 0) continue;
                INFO("type " << int(type) << ", " << channels << " channels, kind " << kind);
                const auto on_cpu = [&](kernels::ConstTensor x, kernels::Tensor y) {
                    kind < 3 ? kernels::cpu::normalize_channels(kChannelActivations[kind], x, y)
                             : kernels::cpu::softmax(groups, .7f, x, y);
                };
                const auto on_gpu = [&](const kernels::DeviceTensor& x, const kernels::DeviceTensor& y) {
                    kind < 3 ? kernels::cuda::normalize_channels(kChannelActivations[kind], x, y, nullptr)
                             : kernels::cuda::softmax(groups, .7f, x, y, nullptr);
                };
                DeviceSlice x(type, 2, 5, 7, channels, 272, 8), y(type, 2, 5, 7, channels, 288, 16);
                const OwnedTensor in = x.fill_random(1, -6, 6);
                OwnedTensor expected(2, 5, 7, channels);
                on_cpu(in.view(), expected.view());
                on_gpu(x.tensor(), y.tensor());
                on_gpu(x.tensor(), x.tensor());
                check_same(y, expected, type, kBound);
                check_same(x, expected, type, kBound);
            }
}

TEST_CASE("cuda maxpool_depth: the CPU's, to the bit") {
    REQUIRE_GPU();
    for (DataType type : test::kTypes)
        for (int channels : {1, 8, 27})
            for (int out : {1, 5, 8}) {
                if (out > channels) continue;
                DeviceSlice x(type, 2, 5, 3, channels, 40, 8), y(type, 2, 5, 3, out, 24, 8);
                const OwnedTensor in = x.fill_random(1);
                OwnedTensor expected(2, 5, 3, out);
                kernels::cpu::maxpool_depth(in.view(), expected.view());
                kernels::cuda::maxpool_depth(x.tensor(), y.tensor(), nullptr);
                check_same(y, expected, type, 0);
            }
}
