// SPDX-License-Identifier: MIT
#include "kernels/channels.h"

#include <algorithm>
#include <cmath>

#include "tests/support/catch.h"
#include "tests/support/compare.h"
#include "tests/support/random.h"

using namespace convoy;
using test::OwnedTensor;

namespace {

// exp is good to two units in the last place, and n terms are summed in float.
double bound(int n) { return (n + 8) * std::ldexp(1., -24); }

void check_same(const OwnedTensor& y, const OwnedTensor& expected, double relative) {
    const auto same = test::compare(y.view(), expected.view(), 1e-30, relative);
    INFO(same.message);
    CHECK(same.ok);
    CHECK(y.gaps_intact());
}

}  // namespace

TEST_CASE("softmax: groups and temperatures, on slices and in place") {
    for (int channels : {1, 12, 37})
        for (int groups : {1, 3})
            for (float temperature : {1.f, .3f}) {
                if (channels % groups != 0) continue;
                OwnedTensor x(2, 3, 5, channels, channels + 2), y(2, 3, 5, channels, channels + 1);
                x.fill_random(1, -20, 20);
                OwnedTensor expected(2, 3, 5, channels);
                const int count = channels / groups;
                for (std::size_t i = 0; i < x.view().pixels(); ++i)
                    for (int g = 0; g < channels; g += count) {
                        double sum = 0;
                        for (int c = g; c < g + count; ++c) sum += std::exp(double(x.view().pixel(i)[c]) / temperature);
                        for (int c = g; c < g + count; ++c)
                            expected.view().pixel(i)[c] =
                                float(std::exp(double(x.view().pixel(i)[c]) / temperature) / sum);
                    }
                // The exponent is off by half a unit in the last place of up to 40 / temperature.
                const double relative = bound(count) + 2 * 40 / double(temperature) * std::ldexp(1., -24);
                kernels::cpu::softmax(groups, temperature, x.view(), y.view());
                check_same(y, expected, relative);
                kernels::cpu::softmax(groups, temperature, x.view(), x.view());
                check_same(x, expected, relative);
            }
}

TEST_CASE("normalize_channels: the three of activations.c, on slices and in place") {
    for (Activation kind : kChannelActivations)
        for (int channels : {1, 3, 16, 37}) {
            INFO("activation " << int(kind) << ", " << channels << " channels");
            OwnedTensor x(2, 3, 5, channels, channels + 2), y(2, 3, 5, channels, channels + 1);
            x.fill_random(1, -4, 4);
            OwnedTensor expected(2, 3, 5, channels);
            for (std::size_t i = 0; i < x.view().pixels(); ++i) {
                const float* in = x.view().pixel(i);
                const bool shifted = kind == Activation::normalize_channels_softmax_maxval;
                const double largest = shifted ? *std::max_element(in, in + channels) : 0;
                const auto term = [&](float v) {
                    return kind == Activation::normalize_channels ? std::max(double(v), 0.) : std::exp(v - largest);
                };
                double sum = 1e-4;
                for (int c = 0; c < channels; ++c) sum += term(in[c]);
                for (int c = 0; c < channels; ++c) expected.view().pixel(i)[c] = float(term(in[c]) / sum);
            }
            const double relative = bound(channels) + 16 * std::ldexp(1., -24);
            kernels::cpu::normalize_channels(kind, x.view(), y.view());
            check_same(y, expected, relative);
            kernels::cpu::normalize_channels(kind, x.view(), x.view());
            check_same(x, expected, relative);
        }
}

TEST_CASE("maxpool_depth: every k-th channel, also where they do not come out even") {
    for (int channels : {1, 7, 16})
        for (int out : {1, 3, 7}) {
            if (out > channels) continue;
            OwnedTensor x(2, 3, 4, channels, channels + 1), y(2, 3, 4, out, out + 3), expected(2, 3, 4, out);
            x.fill_random(1, -2, -1);
            for (std::size_t i = 0; i < x.view().pixels(); ++i)
                for (int g = 0; g < out; ++g) {
                    float best = -INFINITY;
                    for (int k = g; k < channels; k += out) best = std::max(best, x.view().pixel(i)[k]);
                    expected.view().pixel(i)[g] = best;
                }
            kernels::cpu::maxpool_depth(x.view(), y.view());
            check_same(y, expected, 0);
        }
}
