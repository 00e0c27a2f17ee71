// SPDX-License-Identifier: MIT
#include "kernels/elementwise.h"

#include <cmath>

#include "tests/kernels/cuda/device_slice.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"

using namespace convoy;
using kernels::DataType;
using test::DeviceSlice;
using test::kTypes;
using test::OwnedTensor;

namespace {

struct Shape {
    int n, h, w, c, pitch, first;  // first is a whole number of vectors
};
const Shape kShapes[] = {{1, 1, 1, 1, 8, 0},       {2, 3, 5, 8, 8, 0},      {3, 7, 1, 13, 32, 8},
                         {2, 13, 13, 255, 264, 0}, {1, 26, 26, 64, 96, 32}, {5, 1, 2, 4, 24, 16}};

constexpr double kMost = 10;  // of what goes into a function

/// On the CPU exp is good to 2 units in the last place, as on the GPU 2^y is, whose y = x / ln 2 is off by 1.3 · 2⁻²⁴
/// of it; a few sums, products and a quotient follow.
const double kExpBound = (12 + 1.3 * kMost) * std::ldexp(1., -24);

void check_same(const DeviceSlice& actual, const OwnedTensor& expected, double absolute, double relative) {
    const auto same = test::compare(actual.download().view(), expected.view(), absolute, relative);
    INFO(same.message);
    CHECK(same.ok);
    CHECK(actual.only_vectors_written());
}

}  // namespace

TEST_CASE("cuda activate: every function, on slices and in place") {
    REQUIRE_GPU();
    for (DataType type : kTypes)
        for (Activation a : kActivations)
            for (const Shape& s : kShapes) {
                INFO("type " << int(type) << ", activation " << int(a) << ", " << s.h << 'x' << s.w << 'x' << s.c);
                DeviceSlice x(type, s.n, s.h, s.w, s.c, s.pitch, s.first), y(type, s.n, s.h, s.w, s.c, s.pitch + 8, 8);
                const OwnedTensor in = x.fill_random(1, -kMost, kMost);
                OwnedTensor expected(s.n, s.h, s.w, s.c);
                kernels::cpu::activate(a, in.view(), expected.view());
                kernels::cuda::activate(a, x.tensor(), y.tensor(), nullptr);
                kernels::cuda::activate(a, x.tensor(), x.tensor(), nullptr);
                const double relative = test::relative_bound(type, kExpBound), absolute = test::absolute_bound(type);
                check_same(y, expected, absolute, relative);
                check_same(x, expected, absolute, relative);
            }
}

TEST_CASE("cuda add: fewer, as many and more channels in the second, into a slice and in place") {
    REQUIRE_GPU();
    for (DataType type : kTypes)
        for (Activation a : {Activation::linear, Activation::leaky, Activation::mish})
            for (const Shape& s : kShapes)
                for (int more : {-9, -1, 0, 1, 9}) {
                    const int channels = s.c + more;
                    if (channels < 1) continue;
                    INFO("type " << int(type) << ", activation " << int(a) << ", channels " << s.c << " and "
                                 << channels);
                    DeviceSlice x(type, s.n, s.h, s.w, s.c, s.pitch, s.first), y(type, s.n, s.h, s.w, s.c, s.pitch + 8);
                    DeviceSlice b(type, s.n, s.h, s.w, channels, s.pitch + 24, 8);
                    const OwnedTensor left = x.fill_random(1, -kMost / 2, kMost / 2),
                                      right = b.fill_random(2, -kMost / 2, kMost / 2);
                    OwnedTensor expected(s.n, s.h, s.w, s.c);
                    kernels::cpu::add(a, left.view(), right.view(), expected.view());
                    kernels::cuda::add(a, x.tensor(), b.tensor(), y.tensor(), nullptr);
                    kernels::cuda::add(a, x.tensor(), b.tensor(), x.tensor(), nullptr);
                    const double relative = test::relative_bound(type, kExpBound);
                    check_same(y, expected, test::absolute_bound(type), relative);
                    check_same(x, expected, test::absolute_bound(type), relative);
                }
}

TEST_CASE("cuda scale_bias: one factor and summand a channel") {
    REQUIRE_GPU();
    for (DataType type : kTypes)
        for (const Shape& s : kShapes) {
            INFO("type " << int(type) << ", " << s.h << 'x' << s.w << 'x' << s.c);
            DeviceSlice x(type, s.n, s.h, s.w, s.c, s.pitch, s.first), y(type, s.n, s.h, s.w, s.c, s.pitch);
            const OwnedTensor in = x.fill_random(1);
            const auto scale = test::random_floats(std::size_t(s.c), 2, -2, 2);
            const auto bias = test::random_floats(std::size_t(s.c), 3);
            const auto device_scale = test::upload(scale), device_bias = test::upload(bias);
            OwnedTensor expected(s.n, s.h, s.w, s.c);
            kernels::cpu::scale_bias(scale.data(), bias.data(), in.view(), expected.view());
            kernels::cuda::scale_bias(static_cast<const float*>(device_scale.data()),
                                      static_cast<const float*>(device_bias.data()), x.tensor(), y.tensor(), nullptr);
            // Products up to 2, one side rounds them and the other may not.
            check_same(y, expected, test::absolute_bound(type, std::ldexp(2., -23)), test::relative_bound(type, 0));
        }
}

TEST_CASE("cuda copy: slices that start at any channel, to the bit") {
    REQUIRE_GPU();
    for (DataType type : kTypes)
        for (int channels : {1, 3, 8, 16, 21})
            for (int from : {0, 1, 8, 13})
                for (int to : {0, 3, 8, 12}) {
                    INFO("type " << int(type) << ", " << channels << " channels from " << from << " to " << to);
                    DeviceSlice x(type, 2, 5, 3, channels, 40, from), y(type, 2, 5, 3, channels, 48, to);
                    const OwnedTensor in = x.fill_random(1);
                    kernels::cuda::copy(x.tensor(), y.tensor(), nullptr);
                    check_same(y, in, 0, 0);
                }
}

TEST_CASE("cuda copy: neighbouring slices one after the other make a concatenation") {
    REQUIRE_GPU();
    for (DataType type : kTypes) {
        const int parts[] = {5, 1, 10, 3};
        DeviceSlice whole(type, 2, 4, 3, 19, 24);
        OwnedTensor expected(2, 4, 3, 19);
        int first = 0;
        for (int c : parts) {
            DeviceSlice part(type, 2, 4, 3, c, 16);
            const OwnedTensor in = part.fill_random(std::uint64_t(c));
            kernels::DeviceTensor slice = whole.tensor();
            slice.data = static_cast<char*>(slice.data) + std::size_t(first) * size_of(type);
            slice.c = c;
            kernels::cuda::copy(part.tensor(), slice, nullptr);
            for (std::size_t i = 0; i < in.view().pixels(); ++i)
                for (int k = 0; k < c; ++k) expected.view().pixel(i)[first + k] = in.view().pixel(i)[k];
            first += c;
        }
        check_same(whole, expected, 0, 0);
    }
}

TEST_CASE("cuda activate: the network's input, whose pixels are 4 lanes wide") {
    REQUIRE_GPU();
    for (DataType type : kTypes) {
        DeviceSlice x(type, 2, 5, 7, 3, 4), y(type, 2, 5, 7, 3, 8);
        const OwnedTensor in = x.fill_random(1);
        kernels::cuda::activate(Activation::linear, x.tensor(), y.tensor(), nullptr);
        check_same(y, in, 0, 0);
    }
}

TEST_CASE("cuda multiply and binarize: the CPU's, on slices and in place") {
    REQUIRE_GPU();
    for (DataType type : kTypes)
        for (const Shape& s : kShapes)
            for (int kind : {0, 1, 2}) {  // number by number, by one pixel, by one channel
                INFO("type " << int(type) << ", " << s.h << 'x' << s.w << 'x' << s.c << ", kind " << kind);
                const int h = kind == 1 ? 1 : s.h, w = kind == 1 ? 1 : s.w, c = kind == 2 ? 1 : s.c;
                DeviceSlice a(type, s.n, s.h, s.w, s.c, s.pitch, s.first), y(type, s.n, s.h, s.w, s.c, s.pitch + 8, 8);
                DeviceSlice b(type, s.n, h, w, c, s.pitch + 24, 8);
                const OwnedTensor left = a.fill_random(1, -5, 5), right = b.fill_random(2, -5, 5);
                OwnedTensor expected(s.n, s.h, s.w, s.c), signs(s.n, s.h, s.w, s.c);
                kernels::cpu::multiply(Activation::ramp, left.view(), right.view(), expected.view());
                kernels::cpu::binarize(left.view(), signs.view());
                kernels::cuda::multiply(Activation::ramp, a.tensor(), b.tensor(), y.tensor(), nullptr);
                check_same(y, expected, test::absolute_bound(type), test::relative_bound(type, kExpBound));
                kernels::cuda::binarize(a.tensor(), y.tensor(), nullptr);
                check_same(y, signs, 0, 0);
                kernels::cuda::multiply(Activation::ramp, a.tensor(), b.tensor(), a.tensor(), nullptr);
                check_same(a, expected, test::absolute_bound(type), test::relative_bound(type, kExpBound));
            }
}
