// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "kernels/local.h"
#include "tests/support/random.h"

namespace convoy::test {

struct LocalProblem {
    int h, w, c, k;
    kernels::Local how;

    int out_h() const { return (h + 2 * how.padding - how.size) / how.stride + 1; }
    int out_w() const { return (w + 2 * how.padding - how.size) / how.stride + 1; }
    std::size_t biases() const { return std::size_t(k) * out_h() * out_w(); }
    std::size_t weights() const { return biases() * std::size_t(c * how.size * how.size); }
};

inline std::vector<LocalProblem> local_problems() {
    return {{7, 7, 24, 16, {3, 1, 1}},
            {6, 9, 5, 7, {3, 2, 1}},
            {8, 5, 3, 9, {2, 1, 0}},
            {1, 1, 40, 3, {1, 1, 0}},
            {5, 6, 1, 1, {5, 3, 0}}};
}

/// im2col and a product for each place, as local_layer.c has it, over planar pictures.
inline OwnedTensor local_by_definition(const LocalProblem& p, const std::vector<float>& weights,
                                       const std::vector<float>& bias, const OwnedTensor& x) {
    OwnedTensor y(x.view().n, p.out_h(), p.out_w(), p.k);
    const int places = p.out_h() * p.out_w(), size = p.how.size;
    for (int n = 0; n < x.view().n; ++n)
        for (int place = 0; place < places; ++place)
            for (int f = 0; f < p.k; ++f) {
                double sum = bias[std::size_t(f * places + place)];
                for (int i = 0; i < p.c * size * size; ++i) {
                    const int row = place / p.out_w() * p.how.stride - p.how.padding + i / size % size;
                    const int column = place % p.out_w() * p.how.stride - p.how.padding + i % size;
                    if (row < 0 || row >= p.h || column < 0 || column >= p.w) continue;
                    sum += double(weights[std::size_t((place * p.k + f) * p.c * size * size + i)]) *
                           x.view().at(n, row, column)[i / (size * size)];
                }
                y.view().at(n, place / p.out_w(), place % p.out_w())[f] = float(sum);
            }
    return y;
}

}  // namespace convoy::test
