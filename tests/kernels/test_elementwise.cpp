// SPDX-License-Identifier: MIT
#include "kernels/elementwise.h"

#include <cmath>
#include <limits>

#include "tests/support/activation.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"
#include "tests/support/random.h"

using namespace convoy;
using test::OwnedTensor;

TEST_CASE("activate: each function over its whole range, within a few units in the last place") {
    for (Activation a : kActivations)
        for (double magnitude = 1e-6; magnitude < 2e4; magnitude *= 1.01)
            for (float x : {float(magnitude), float(-magnitude)}) {
                const long double expected = test::activation_by_definition(a, static_cast<long double>(x));
                const float actual = kernels::cpu::activate(a, x);
                INFO("activation " << int(a) << " of " << x << " is " << actual << ", expected " << double(expected));
                // Half a unit for each of the six or fewer roundings and expf's own error; 0 where eˣ leaves float's
                // range.
                REQUIRE(std::fabs(actual - expected) <= 8 * std::ldexp(1.L, -24) * std::fabs(expected) + 1e-36L);
            }
}

TEST_CASE("activate: zero stays zero, the largest float stays finite, NaN stays NaN") {
    const float huge = std::numeric_limits<float>::max();
    for (Activation a : kActivations) {
        CHECK(kernels::cpu::activate(a, 0.f) == (a == Activation::logistic || a == Activation::plse ? .5f : 0.f));
        const bool grows = a == Activation::ramp || a == Activation::selu;  // by 1.1 and 1.0507
        CHECK(std::isfinite(kernels::cpu::activate(a, grows ? huge / 2 : huge)));
        CHECK(std::isfinite(kernels::cpu::activate(a, grows ? -huge / 2 : -huge)));
        CHECK(std::isnan(kernels::cpu::activate(a, NAN)));
    }
}

TEST_CASE("activate, scale_bias and copy on slices, into slices and in place") {
    for (int channels : {1, 3, 16, 37}) {
        OwnedTensor x(2, 3, 5, channels, channels + 4), y(2, 3, 5, channels, channels + 1);
        x.fill_random(1, -6, 6);
        const auto scale = test::random_floats(channels, 2), bias = test::random_floats(channels, 3);
        const auto check = [&](auto expected) {
            for (std::size_t i = 0; i < x.view().pixels(); ++i)
                for (int c = 0; c < channels; ++c) REQUIRE(y.view().pixel(i)[c] == expected(x.view().pixel(i)[c], c));
            CHECK(x.gaps_intact());
            CHECK(y.gaps_intact());
        };
        const auto any = [](const kernels::Tensor& t) {
            return kernels::HostTensor{t.data, kernels::DataType::fp32, t.n, t.h, t.w, t.c, t.pitch};
        };
        for (Activation a : kActivations) {
            kernels::cpu::activate(a, x.view(), y.view());
            check([&](float v, int) { return kernels::cpu::activate(a, v); });
            kernels::cpu::convert(any(x.view()), any(y.view()));
            check([](float v, int) { return v; });
            kernels::cpu::activate(a, y.view(), y.view());
            check([&](float v, int) { return kernels::cpu::activate(a, v); });
        }
        kernels::cpu::scale_bias(scale.data(), bias.data(), x.view(), y.view());
        check([&](float v, int c) { return scale[c] * v + bias[c]; });
    }
}

TEST_CASE("add: fewer, as many and more channels in the second operand; in place on either") {
    for (int channels : {3, 16, 21})
        for (int others : {1, 3, 16, 21, 40})
            for (Activation activation : kActivations) {
                OwnedTensor a(2, 3, 4, channels, channels + 2), b(2, 3, 4, others, others + 7);
                OwnedTensor y(2, 3, 4, channels, channels + 3);
                a.fill_random(1, -4, 4);
                b.fill_random(2, -4, 4);
                kernels::cpu::add(activation, a.view(), b.view(), y.view());
                for (std::size_t i = 0; i < y.view().pixels(); ++i)
                    for (int c = 0; c < channels; ++c) {
                        const float sum = a.view().pixel(i)[c] + (c < others ? b.view().pixel(i)[c] : 0.f);
                        REQUIRE(y.view().pixel(i)[c] == kernels::cpu::activate(activation, sum));
                    }
                CHECK(a.gaps_intact());
                CHECK(b.gaps_intact());
                CHECK(y.gaps_intact());
                const auto same = [&](const OwnedTensor& in_place) {
                    return test::compare(in_place.view(), std::as_const(y).view(), 0, 0).ok && in_place.gaps_intact();
                };
                if (others == channels) {
                    OwnedTensor on_b = b;
                    kernels::cpu::add(activation, a.view(), on_b.view(), on_b.view());
                    CHECK(same(on_b));
                }
                kernels::cpu::add(activation, a.view(), b.view(), a.view());
                CHECK(same(a));
            }
}

TEST_CASE("multiply: number by number, by one pixel, by one channel; on slices and in place") {
    for (int channels : {1, 5, 16})
        for (Activation activation : {Activation::linear, Activation::leaky, Activation::relu6}) {
            OwnedTensor a(2, 3, 4, channels, channels + 1), y(2, 3, 4, channels, channels + 2);
            OwnedTensor same(2, 3, 4, channels, channels + 3), pixel(2, 1, 1, channels, channels + 3),
                channel(2, 3, 4, 1, 3);
            a.fill_random(1, -4, 4);
            same.fill_random(2, -4, 4), pixel.fill_random(3, -4, 4), channel.fill_random(4, -4, 4);
            for (const OwnedTensor* b : {&same, &pixel, &channel}) {
                const auto expected = [&](int n, int row, int column, int c) {
                    const bool one_pixel = b == &pixel;
                    const float factor =
                        b->view().at(n, one_pixel ? 0 : row, one_pixel ? 0 : column)[b == &channel ? 0 : c];
                    return kernels::cpu::activate(activation, a.view().at(n, row, column)[c] * factor);
                };
                kernels::cpu::multiply(activation, a.view(), b->view(), y.view());
                for (int n = 0; n < 2; ++n)
                    for (int row = 0; row < 3; ++row)
                        for (int column = 0; column < 4; ++column)
                            for (int c = 0; c < channels; ++c)
                                REQUIRE(y.view().at(n, row, column)[c] == expected(n, row, column, c));
                CHECK(y.gaps_intact());
                OwnedTensor in_place = a;
                kernels::cpu::multiply(activation, in_place.view(), b->view(), in_place.view());
                CHECK(test::compare(in_place.view(), std::as_const(y).view(), 0, 0).ok);
            }
        }
}

TEST_CASE("binarize: zero and NaN are not positive") {
    const float in[] = {-2, -0.f, 0, 1e-38f, 3, NAN}, expected[] = {-1, -1, -1, 1, 1, -1};
    float out[6];
    kernels::cpu::binarize({in, 1, 1, 2, 3, 3}, {out, 1, 1, 2, 3, 3});
    for (int i = 0; i < 6; ++i) CHECK(out[i] == expected[i]);
}
