// SPDX-License-Identifier: MIT
#pragma once

#include <sstream>
#include <string>

#include "kernels/conv.h"

namespace convoy::test {

/// The fields of a problem that tests vary most; the rest keeps its default.
inline kernels::ConvProblem conv(int n, int h, int w, int c, int k, int size, int stride = 1, int groups = 1) {
    kernels::ConvProblem p;
    p.n = n, p.h = h, p.w = w, p.c = c, p.k = k;
    p.r = p.s = size;
    p.stride_h = p.stride_w = stride;
    p.pad_h = p.pad_w = size / 2;
    p.groups = groups;
    return p;
}

inline std::string describe(const kernels::ConvProblem& p) {
    std::ostringstream s;
    s << "x " << p.n << 'x' << p.h << 'x' << p.w << 'x' << p.c << ", k " << p.k << ", " << p.r << 'x' << p.s
      << ", stride " << p.stride_h << 'x' << p.stride_w << ", pad " << p.pad_h << 'x' << p.pad_w << ", dilation "
      << p.dilation << ", groups " << p.groups << ", activation " << int(p.activation)
      << (p.residual ? ", residual" : "") << ", after " << int(p.after_residual);
    return s.str();
}

}  // namespace convoy::test
