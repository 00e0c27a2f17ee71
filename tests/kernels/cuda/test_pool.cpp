// SPDX-License-Identifier: MIT
#include "kernels/pool.h"

#include <algorithm>
#include <cmath>

#include "tests/kernels/cuda/device_slice.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"

using namespace convoy;
using kernels::DataType;
using test::DeviceSlice;
using test::OwnedTensor;

namespace {

struct Pool {
    int h, w, c, size, stride_h, stride_w, padding;
};

const Pool kPools[] = {
    {8, 10, 16, 2, 2, 2, 1},    {7, 9, 5, 2, 2, 2, 1},      {13, 13, 12, 2, 1, 1, 1},    {13, 13, 40, 5, 1, 1, 4},
    {13, 13, 40, 9, 1, 1, 8},   {13, 11, 40, 13, 1, 1, 12}, {1, 1, 3, 2, 1, 1, 1},       {1, 1, 3, 13, 1, 1, 12},
    {9, 8, 7, 3, 2, 1, 2},      {9, 8, 7, 3, 1, 3, 0},      {6, 6, 4, 2, 2, 2, 0},       {5, 6, 33, 4, 3, 2, 3},
    {6, 6, 1, 1, 2, 2, 0},      {5, 5, 2, 2, 1, 1, 6},      {19, 19, 512, 13, 1, 1, 12}, {9, 7, 70, 4, 1, 1, 3},
    {30, 30, 100, 5, 1, 1, 4},  // half as many channels at a time
    {70, 60, 12, 5, 1, 1, 4},   // no room in shared memory
    {104, 104, 64, 2, 2, 2, 1},
};

/// What lies outside is the lowest number of the type.
void saturate(DataType type, OwnedTensor& t) {
    if (type != DataType::fp16) return;
    for (std::size_t i = 0; i < t.view().pixels() * std::size_t(t.view().c); ++i)
        t.view().data[i] = std::max(t.view().data[i], -65504.f);
}

}  // namespace

TEST_CASE("cuda maxpool: Darknet's windows, on slices, to the bit") {
    REQUIRE_GPU();
    for (DataType type : test::kTypes)
        for (const Pool& p : kPools) {
            INFO("type " << int(type) << ", " << p.h << 'x' << p.w << 'x' << p.c << " size " << p.size << " stride "
                         << p.stride_h << 'x' << p.stride_w << " padding " << p.padding);
            const int out_h = (p.h + p.padding - p.size) / p.stride_h + 1,
                      out_w = (p.w + p.padding - p.size) / p.stride_w + 1, pitch = (p.c + 7) / 8 * 8 + 16;
            DeviceSlice x(type, 2, p.h, p.w, p.c, pitch, 8), y(type, 2, out_h, out_w, p.c, pitch + 8, 16);
            const OwnedTensor in = x.fill_random(1, -9, -1);  // all negative: a zero from outside would win
            OwnedTensor expected(2, out_h, out_w, p.c);
            kernels::cpu::maxpool(p.size, p.stride_h, p.stride_w, p.padding, in.view(), expected.view());
            saturate(type, expected);
            kernels::cuda::maxpool(p.size, p.stride_h, p.stride_w, p.padding, x.tensor(), y.tensor(), nullptr);
            const auto same = test::compare(y.download().view(), expected.view(), 0, 0);
            INFO(same.message);
            CHECK(same.ok);
            CHECK(y.only_vectors_written());
        }
}

TEST_CASE("cuda maxpool: of the network's input, whose pixels are 4 lanes wide") {
    REQUIRE_GPU();
    for (DataType type : test::kTypes)
        for (int size : {2, 5}) {
            DeviceSlice x(type, 2, 9, 12, 3, 4), y(type, 2, 9, 12, 3, 8);
            const OwnedTensor in = x.fill_random(1);
            OwnedTensor expected(2, 9, 12, 3);
            kernels::cpu::maxpool(size, 1, 1, size - 1, in.view(), expected.view());
            kernels::cuda::maxpool(size, 1, 1, size - 1, x.tensor(), y.tensor(), nullptr);
            const auto same = test::compare(y.download().view(), expected.view(), 0, 0);
            INFO("type " << int(type) << ", size " << size << ": " << same.message);
            CHECK(same.ok);
            CHECK(y.only_vectors_written());
        }
}

TEST_CASE("cuda avgpool: the mean of every channel, on slices") {
    REQUIRE_GPU();
    for (DataType type : test::kTypes)
        for (int side : {1, 2, 7, 13, 26, 97})
            for (int channels : {1, 5, 24, 64, 100, 1024}) {
                if (side * channels > 26 * 1024) continue;
                const int pitch = (channels + 7) / 8 * 8 + 8, pixels = side * (side + 1);
                INFO("type " << int(type) << ", " << side << 'x' << side + 1 << 'x' << channels);
                DeviceSlice x(type, 3, side, side + 1, channels, pitch, 8), y(type, 3, 1, 1, channels, pitch + 8, 16);
                const OwnedTensor in = x.fill_random(1, -2, 3);
                OwnedTensor expected(3, 1, 1, channels);
                kernels::cpu::avgpool(in.view(), expected.view());
                kernels::cuda::avgpool(x.tensor(), y.tensor(), nullptr);
                // Two float sums of values up to 3, each within dot_bound, and the means of them.
                const double sums = 2 * test::dot_bound(std::size_t(pixels) + 2, 3.);
                const auto same = test::compare(y.download().view(), expected.view(), test::absolute_bound(type, sums),
                                                test::relative_bound(type, 0));
                INFO(same.message);
                CHECK(same.ok);
                CHECK(y.only_vectors_written());
            }
}

TEST_CASE("cuda local_avgpool: Darknet's windows, on slices") {
    REQUIRE_GPU();
    for (DataType type : test::kTypes)
        for (const Pool& p : kPools) {
            if (p.padding > 2 * (p.size - 1)) continue;  // windows without a pixel
            INFO("type " << int(type) << ", " << p.h << 'x' << p.w << 'x' << p.c << " size " << p.size);
            const int out_h = (p.h + p.padding - p.size) / p.stride_h + 1,
                      out_w = (p.w + p.padding - p.size) / p.stride_w + 1, pitch = (p.c + 7) / 8 * 8 + 16;
            DeviceSlice x(type, 2, p.h, p.w, p.c, pitch, 8), y(type, 2, out_h, out_w, p.c, pitch + 8, 16);
            const OwnedTensor in = x.fill_random(1, 1, 3);
            OwnedTensor expected(2, out_h, out_w, p.c);
            kernels::cpu::local_avgpool(p.size, p.stride_h, p.stride_w, p.padding, in.view(), expected.view());
            kernels::cuda::local_avgpool(p.size, p.stride_h, p.stride_w, p.padding, x.tensor(), y.tensor(), nullptr);
            // All positive: each of the sums is within the roundings of its terms.
            const double own = (p.size * p.size + 2) * std::ldexp(1., -24);
            const auto same = test::compare(y.download().view(), expected.view(), test::absolute_bound(type),
                                            test::relative_bound(type, own));
            INFO(same.message);
            CHECK(same.ok);
            CHECK(y.only_vectors_written());
        }
}
