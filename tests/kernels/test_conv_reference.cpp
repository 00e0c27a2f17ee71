// SPDX-License-Identifier: MIT
#include <cmath>
#include <vector>

#include "kernels/conv.h"
#include "tests/kernels/conv_problems.h"
#include "tests/support/activation.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"
#include "tests/support/random.h"

using namespace convoy;
using kernels::ConvProblem;
using test::OwnedTensor;

namespace {

/// A copy of x as Darknet would hold it: planar, with the border of zeros really there.
struct Padded {
    int h, w;
    std::vector<double> data;  // (N, C, H + 2 pad, W + 2 pad)
    Padded(const ConvProblem& p, kernels::ConstTensor x) : h(p.h + 2 * p.pad_h), w(p.w + 2 * p.pad_w) {
        data.assign(std::size_t(p.n) * p.c * h * w, 0.);
        for (int n = 0; n < p.n; ++n)
            for (int c = 0; c < p.c; ++c)
                for (int i = 0; i < p.h; ++i)
                    for (int j = 0; j < p.w; ++j)
                        data[((std::size_t(n) * p.c + c) * h + i + p.pad_h) * w + j + p.pad_w] = x.at(n, i, j)[c];
    }
};

/// The other way round: every weight is spread over the outputs that it contributes to.
void by_scattering(const ConvProblem& p, kernels::ConstTensor x, const float* w, const float* bias, kernels::Tensor y) {
    const Padded in(p, x);
    const int group_c = p.c / p.groups, group_k = p.k / p.groups;
    for (int n = 0; n < p.n; ++n)
        for (int k = 0; k < p.k; ++k) {
            std::vector<double> plane(std::size_t(p.p()) * p.q(), double(bias[k]));
            for (int i = 0; i < group_c * p.r * p.s; ++i) {
                const int c = k / group_k * group_c + i / (p.r * p.s), r = i / p.s % p.r, s = i % p.s;
                const double* from = &in.data[(std::size_t(n) * p.c + c) * in.h * in.w];
                for (int row = 0; row < p.p(); ++row)
                    for (int column = 0; column < p.q(); ++column)
                        plane[std::size_t(row) * p.q() + column] +=
                            double(w[std::size_t(k) * group_c * p.r * p.s + i]) *
                            from[(row * p.stride_h + r * p.dilation) * in.w + column * p.stride_w + s * p.dilation];
            }
            for (int row = 0; row < p.p(); ++row)
                for (int column = 0; column < p.q(); ++column) {
                    float& out = y.at(n, row, column)[k];
                    double v = test::activation_by_definition(p.activation, plane[std::size_t(row) * p.q() + column]);
                    if (p.residual) v = test::activation_by_definition(p.after_residual, v + out);
                    out = float(v);
                }
        }
}

std::vector<ConvProblem> problems() {
    std::vector<ConvProblem> all = {
        test::conv(1, 5, 7, 3, 4, 3),        test::conv(2, 6, 5, 8, 5, 1),       test::conv(1, 9, 8, 4, 6, 3, 2),
        test::conv(1, 7, 7, 6, 6, 3, 1, 6),  test::conv(2, 6, 6, 6, 9, 3, 2, 3), test::conv(1, 1, 1, 5, 7, 3),
        test::conv(1, 11, 9, 2, 3, 5, 1, 1),
    };
    ConvProblem odd = test::conv(2, 13, 10, 4, 6, 3);
    odd.r = 2, odd.s = 4, odd.stride_h = 3, odd.stride_w = 2, odd.pad_h = 1, odd.pad_w = 3, odd.dilation = 2,
    odd.groups = 2;
    all.push_back(odd);
    for (std::size_t a = 0; a < std::size(kActivations); ++a) {
        odd.activation = kActivations[a];
        odd.residual = true;
        odd.after_residual = std::rbegin(kActivations)[a];
        all.push_back(odd);
    }
    return all;
}

}  // namespace

TEST_CASE("conv_reference: a case worked out by hand") {
    ConvProblem p = test::conv(1, 2, 2, 1, 1, 3, 1);
    p.activation = Activation::leaky;
    const float x[] = {1, 2, 3, 4}, w[] = {1, 0, -1, 2, 3, 0, 0, 1, -2}, bias[] = {-1};
    // Window around pixel (i, j) over the picture {{1, 2}, {3, 4}} with zeros outside.
    const float expected[] = {3 * 1 + 1 * 3 - 2 * 4 - 1,  // -3, times .1
                              2 * 1 + 3 * 2 + 1 * 4 - 1, -1 * 2 + 3 * 3 - 1, 1 * 1 + 2 * 3 + 3 * 4 - 1};
    float y[4];
    kernels::cpu::conv_reference(p, {x, 1, 2, 2, 1, 1}, w, bias, {y, 1, 2, 2, 1, 1});
    CHECK(y[0] == .1f * expected[0]);
    for (int i = 1; i < 4; ++i) CHECK(y[i] == expected[i]);
}

TEST_CASE("conv_reference agrees with scattering over a padded planar copy") {
    for (const ConvProblem& p : problems()) {
        OwnedTensor x(p.n, p.h, p.w, p.c, p.c + 3), y(p.n, p.p(), p.q(), p.k, p.k + 5),
            expected(p.n, p.p(), p.q(), p.k);
        x.fill_random(1);
        if (p.residual) y.fill_random(2), expected.fill_random(2);
        const auto w = test::random_floats(p.weight_count(), 3), bias = test::random_floats(p.k, 4);
        by_scattering(p, std::as_const(x).view(), w.data(), bias.data(), expected.view());
        kernels::cpu::conv_reference(p, x.view(), w.data(), bias.data(), y.view());
        // Both sum in double; what is left is rounding to float before and after two activations, whose condition
        // number stays below |x| < 16.
        const auto c = test::compare(y.view(), expected.view(), std::ldexp(1., -22), 64 * std::ldexp(1., -24));
        INFO(test::describe(p) << ": " << c.message);
        CHECK(c.ok);
        CHECK(y.gaps_intact());
    }
}
