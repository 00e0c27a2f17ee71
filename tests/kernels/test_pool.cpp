// SPDX-License-Identifier: MIT
#include "kernels/pool.h"

#include <algorithm>
#include <cfloat>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/compare.h"
#include "tests/support/random.h"

using namespace convoy;
using test::OwnedTensor;

namespace {

struct Pool {
    int h, w, c, size, stride_h, stride_w, padding;
};

/// One output by Darknet's definition: the largest of the whole window, with -FLT_MAX for what lies outside.
float window_maximum(const Pool& p, kernels::ConstTensor x, int n, int row, int column, int c) {
    std::vector<float> values;
    for (int i = 0; i < p.size; ++i)
        for (int j = 0; j < p.size; ++j) {
            const int y = -p.padding / 2 + row * p.stride_h + i, z = -p.padding / 2 + column * p.stride_w + j;
            const bool inside = y >= 0 && y < p.h && z >= 0 && z < p.w;
            values.push_back(inside ? x.at(n, y, z)[c] : -FLT_MAX);
        }
    return *std::max_element(values.begin(), values.end());
}

}  // namespace

TEST_CASE("maxpool: Darknet's windows, on slices") {
    const Pool pools[] = {
        {8, 10, 16, 2, 2, 2, 1}, {7, 9, 5, 2, 2, 2, 1},     {13, 13, 12, 2, 1, 1, 1}, {13, 13, 8, 5, 1, 1, 4},
        {13, 13, 8, 9, 1, 1, 8}, {13, 11, 8, 13, 1, 1, 12}, {1, 1, 3, 2, 1, 1, 1},    {1, 1, 3, 13, 1, 1, 12},
        {9, 8, 7, 3, 2, 1, 2},   {9, 8, 7, 3, 1, 3, 0},     {6, 6, 4, 2, 2, 2, 0},    {5, 6, 33, 4, 3, 2, 3},
        {6, 6, 1, 1, 2, 2, 0},   {5, 5, 2, 2, 1, 1, 6},
    };
    for (const Pool& p : pools) {
        const int out_h = (p.h + p.padding - p.size) / p.stride_h + 1,
                  out_w = (p.w + p.padding - p.size) / p.stride_w + 1;
        OwnedTensor x(2, p.h, p.w, p.c, p.c + 3), y(2, out_h, out_w, p.c, p.c + 9), expected(2, out_h, out_w, p.c);
        x.fill_random(1, -9, -1);  // all negative: a zero from outside would win
        for (int n = 0; n < 2; ++n)
            for (int row = 0; row < out_h; ++row)
                for (int column = 0; column < out_w; ++column)
                    for (int c = 0; c < p.c; ++c)
                        expected.view().at(n, row, column)[c] = window_maximum(p, x.view(), n, row, column, c);
        kernels::cpu::maxpool(p.size, p.stride_h, p.stride_w, p.padding, x.view(), y.view());
        const auto c = test::compare(y.view(), expected.view(), 0, 0);
        INFO(p.h << 'x' << p.w << 'x' << p.c << " size " << p.size << " stride " << p.stride_h << 'x' << p.stride_w
                 << " padding " << p.padding << ": " << c.message);
        CHECK(c.ok);
        CHECK(x.gaps_intact());
        CHECK(y.gaps_intact());
    }
}

TEST_CASE("avgpool: the mean of every channel, on slices") {
    for (int side : {1, 2, 7, 13})
        for (int channels : {1, 5, 64}) {
            OwnedTensor x(3, side, side + 1, channels, channels + 2), y(3, 1, 1, channels, channels + 6);
            OwnedTensor expected(3, 1, 1, channels);
            x.fill_random(1, -2, 3);
            for (int n = 0; n < 3; ++n)
                for (int c = 0; c < channels; ++c) {
                    double sum = 0;
                    for (int i = 0; i < side * (side + 1); ++i)
                        sum += x.view().pixel(std::size_t(n) * side * (side + 1) + i)[c];
                    expected.view().at(n, 0, 0)[c] = float(sum / (side * (side + 1)));
                }
            kernels::cpu::avgpool(x.view(), y.view());
            // Values up to 3: the float sum is within dot_bound, and the mean of that over the pixels.
            const auto pixels = std::size_t(side) * (side + 1);
            const auto c = test::compare(y.view(), expected.view(), test::dot_bound(pixels + 2, 3.), 0);
            INFO(side << 'x' << side + 1 << 'x' << channels << ": " << c.message);
            CHECK(c.ok);
            CHECK(x.gaps_intact());
            CHECK(y.gaps_intact());
        }
}

TEST_CASE("local_avgpool: the mean of what lies inside, odd strides and paddings, on slices") {
    for (int size : {1, 2, 3, 5})
        for (int stride : {1, 2, 3})
            for (int padding : {0, size - 1, 2 * (size - 1)})
                for (int channels : {1, 7, 16}) {
                    const int h = 7, w = 6, out_h = (h + padding - size) / stride + 1,
                              out_w = (w + padding - size) / stride + 1;
                    OwnedTensor x(2, h, w, channels, channels + 2), y(2, out_h, out_w, channels, channels + 1);
                    OwnedTensor expected(2, out_h, out_w, channels);
                    x.fill_random(1, -3, 3);
                    for (int n = 0; n < 2; ++n)
                        for (int i = 0; i < out_h; ++i)
                            for (int j = 0; j < out_w; ++j)
                                for (int c = 0; c < channels; ++c) {
                                    double sum = 0;
                                    int count = 0;
                                    for (int r = 0; r < size; ++r)
                                        for (int s = 0; s < size; ++s) {
                                            const int row = i * stride - padding / 2 + r,
                                                      column = j * stride - padding / 2 + s;
                                            if (row < 0 || row >= h || column < 0 || column >= w) continue;
                                            sum += x.view().at(n, row, column)[c];
                                            ++count;
                                        }
                                    expected.view().at(n, i, j)[c] = float(sum / count);
                                }
                    kernels::cpu::local_avgpool(size, stride, stride, padding, x.view(), y.view());
                    const auto c = test::compare(y.view(), expected.view(), test::dot_bound(size * size + 1, 3.), 0);
                    INFO(size << '/' << stride << " pad " << padding << ": " << c.message);
                    CHECK(c.ok);
                    CHECK(y.gaps_intact());
                }
}
