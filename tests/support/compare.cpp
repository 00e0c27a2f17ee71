// SPDX-License-Identifier: MIT
#include "tests/support/compare.h"

#include <cmath>
#include <cstdio>

namespace convoy::test {

Comparison compare(kernels::ConstTensor actual, kernels::ConstTensor expected, double absolute, double relative) {
    Comparison result;
    if (actual.n != expected.n || actual.h != expected.h || actual.w != expected.w || actual.c != expected.c)
        return {false, INFINITY, "shapes differ"};
    result.message = "all elements equal";
    for (int n = 0; n < expected.n; ++n)
        for (int y = 0; y < expected.h; ++y)
            for (int x = 0; x < expected.w; ++x)
                for (int c = 0; c < expected.c; ++c) {
                    const double a = actual.at(n, y, x)[c], e = expected.at(n, y, x)[c];
                    const double bound = absolute + relative * std::fabs(e);
                    double share = a == e ? 0 : std::fabs(a - e) / bound;
                    if (std::isnan(share)) share = INFINITY;
                    if (share <= result.worst_share) continue;
                    result.worst_share = share;
                    char text[200];
                    std::snprintf(text, sizeof text,
                                  "worst at (n %d, y %d, x %d, c %d): %.9g, expected %.9g; %.3g of the bound %.3g", n,
                                  y, x, c, a, e, share, bound);
                    result.message = text;
                }
    result.ok = result.worst_share <= 1;
    return result;
}

double dot_bound(std::size_t terms, double magnitude) { return double(terms) * std::ldexp(1.0, -24) * magnitude; }

}  // namespace convoy::test
