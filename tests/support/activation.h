// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

namespace convoy::test {

/// An activation by its definition, in the precision of T (double or long double). A is the loader's or the kernels'
/// enum.
template <typename A, typename T>
T activation_by_definition(A a, T x) {
    switch (a) {
        case A::linear:
            return x;
        case A::leaky:
            return x > 0 ? x : x / 10;
        case A::relu:
            return x > 0 ? x : 0;
        case A::logistic:
            return 1 / (1 + std::exp(-x));
        case A::mish:
            return x * std::tanh(std::log1p(std::exp(x)));
        case A::swish:
            return x / (1 + std::exp(-x));
    }
    return T(NAN);
}

}  // namespace convoy::test
