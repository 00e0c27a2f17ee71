// SPDX-License-Identifier: MIT
#include "kernels/upsample.h"

namespace convoy::kernels::cpu {

void upsample(int stride, float scale, ConstTensor x, Tensor y) {
#pragma omp parallel for collapse(2)
    for (int n = 0; n < y.n; ++n)
        for (int row = 0; row < y.h; ++row)
            for (int column = 0; column < y.w; ++column) {
                const float* in = x.at(n, row / stride, column / stride);
                float* out = y.at(n, row, column);
#pragma omp simd
                for (int c = 0; c < y.c; ++c) out[c] = scale * in[c];
            }
}

}  // namespace convoy::kernels::cpu
