// SPDX-License-Identifier: MIT
#include "kernels/upsample.h"

#include "tests/support/catch.h"
#include "tests/support/random.h"

using namespace convoy;
using test::OwnedTensor;

TEST_CASE("upsample: every pixel becomes a square of it, times the scale, into a slice") {
    for (int stride : {1, 2, 3, 4})
        for (float scale : {1.f, -.5f})
            for (int channels : {1, 7, 32}) {
                OwnedTensor x(2, 3, 5, channels, channels + 1);
                OwnedTensor y(2, 3 * stride, 5 * stride, channels, channels * 3);
                x.fill_random(1);
                kernels::cpu::upsample(stride, scale, x.view(), y.view());
                for (int n = 0; n < 2; ++n)
                    for (int row = 0; row < 3 * stride; ++row)
                        for (int column = 0; column < 5 * stride; ++column)
                            for (int c = 0; c < channels; ++c) {
                                INFO("stride " << stride << " at " << n << ' ' << row << ' ' << column << ' ' << c);
                                REQUIRE(y.view().at(n, row, column)[c] ==
                                        scale * x.view().at(n, row / stride, column / stride)[c]);
                            }
                CHECK(x.gaps_intact());
                CHECK(y.gaps_intact());
            }
}
