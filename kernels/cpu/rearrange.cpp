// SPDX-License-Identifier: MIT
#include "kernels/rearrange.h"

namespace convoy::kernels::cpu {

void rearrange(const Rearrange& r, ConstTensor x, Tensor y) {
    const Element from{x.c, x.h, x.w}, to{y.c, y.h, y.w};
#pragma omp parallel for collapse(3)
    for (int n = 0; n < y.n; ++n)
        for (int row = 0; row < y.h; ++row)
            for (int column = 0; column < y.w; ++column) {
                float* out = y.at(n, row, column);
                for (int c = 0; c < y.c; ++c) {
                    const Element e = source_of(r, from, to, {c, row, column});
                    out[c] = r.scale * x.at(n, e.h, e.w)[e.c] + r.bias;
                }
            }
}

}  // namespace convoy::kernels::cpu
