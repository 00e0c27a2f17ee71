// SPDX-License-Identifier: MIT
#include "kernels/local.h"

#include <algorithm>

namespace convoy::kernels::cpu {

void local(const Local& problem, const float* weights, const float* bias, ConstTensor x, Tensor y) {
    const int size = problem.size, places = y.h * y.w;
    const std::size_t row = std::size_t(x.c) * size * size;
#pragma omp parallel for
    for (int place = 0; place < places; ++place)
        for (int n = 0; n < y.n; ++n) {
            const int top = place / y.w * problem.stride - problem.padding,
                      left = place % y.w * problem.stride - problem.padding;
            const int first_row = std::max(0, -top), last_row = std::min(size, x.h - top);
            const int first_column = std::max(0, -left), last_column = std::min(size, x.w - left);
            for (int k = 0; k < y.c; ++k) {
                const float* w = weights + (std::size_t(place) * y.c + k) * row;
                float sum = bias[std::size_t(k) * places + place];
                for (int r = first_row; r < last_row; ++r)
                    for (int s = first_column; s < last_column; ++s) {
                        const float* in = x.at(n, top + r, left + s);
                        for (int c = 0; c < x.c; ++c) sum += in[c] * w[(c * size + r) * size + s];
                    }
                y.at(n, place / y.w, place % y.w)[k] = sum;
            }
        }
}

}  // namespace convoy::kernels::cpu
