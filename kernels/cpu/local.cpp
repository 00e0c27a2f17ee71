// SPDX-License-Identifier: MIT
//
// The pixels of a place in the weights' order, once for all its filters: then a number of y is a plain product.
#include "kernels/local.h"

#include <vector>

namespace convoy::kernels::cpu {

void local(const Local& problem, const float* weights, const float* bias, ConstTensor x, Tensor y) {
    const int size = problem.size, places = y.h * y.w;
    const std::size_t row = std::size_t(x.c) * size * size;
#pragma omp parallel
    {
        std::vector<float> patch(row);
#pragma omp for
        for (int place = 0; place < places; ++place)
            for (int n = 0; n < y.n; ++n) {
                const int top = place / y.w * problem.stride - problem.padding,
                          left = place % y.w * problem.stride - problem.padding;
                for (std::size_t i = 0; i < row; ++i) {
                    const int r = top + int(i) / size % size, s = left + int(i) % size;
                    const bool inside = r >= 0 && r < x.h && s >= 0 && s < x.w;
                    patch[i] = inside ? x.at(n, r, s)[int(i) / (size * size)] : 0.f;
                }
                for (int k = 0; k < y.c; ++k) {
                    const float* w = weights + (std::size_t(place) * y.c + k) * row;
                    float sum = bias[std::size_t(k) * places + place];
#pragma omp simd reduction(+ : sum)
                    for (std::size_t i = 0; i < row; ++i) sum += patch[i] * w[i];
                    y.at(n, place / y.w, place % y.w)[k] = sum;
                }
            }
    }
}

}  // namespace convoy::kernels::cpu
