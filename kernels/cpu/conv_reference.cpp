// SPDX-License-Identifier: MIT
#include "kernels/conv.h"
#include "kernels/elementwise.h"

namespace convoy::kernels::cpu {
namespace {

/// Σ x · w over the window whose top left corner lies at row `top`, column `left` of the picture `n`.
double window_sum(const ConvProblem& p, const ConstTensor& x, const float* w, int n, int top, int left, int k) {
    const int c_per_group = p.c / p.groups, first_c = k / (p.k / p.groups) * c_per_group;
    double sum = 0;
    for (int r = 0; r < p.r; ++r)
        for (int s = 0; s < p.s; ++s) {
            const int row = top + r * p.dilation, column = left + s * p.dilation;
            if (row < 0 || row >= p.h || column < 0 || column >= p.w) continue;
            const float* pixel = x.at(n, row, column) + first_c;
            for (int c = 0; c < c_per_group; ++c)
                sum += double(pixel[c]) * w[((std::size_t(k) * c_per_group + c) * p.r + r) * p.s + s];
        }
    return sum;
}

}  // namespace

void conv_reference(const ConvProblem& p, ConstTensor x, const float* w, const float* bias, Tensor y) {
#pragma omp parallel for collapse(3)
    for (int n = 0; n < p.n; ++n)
        for (int row = 0; row < p.p(); ++row)
            for (int column = 0; column < p.q(); ++column)
                for (int k = 0; k < p.k; ++k) {
                    const double sum =
                        window_sum(p, x, w, n, row * p.stride_h - p.pad_h, column * p.stride_w - p.pad_w, k);
                    float& out = y.at(n, row, column)[k];
                    const float activated = activate(p.activation, float(sum + bias[k]));
                    out = p.residual ? activate(p.after_residual, activated + out) : activated;
                }
}

}  // namespace convoy::kernels::cpu
