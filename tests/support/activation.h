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
        case A::relu6:
            return x < 0 ? 0 : x > 6 ? 6 : x;
        case A::hard_mish:
            return x > 0 ? x : x > -2 ? x * x / 2 + x : 0;
        case A::ramp:
            return (x > 0 ? x : 0) + x / 10;
        case A::relie:
            return x > 0 ? x : x / 100;
        case A::elu:
            return x >= 0 ? x : std::expm1(x);
        case A::selu:
            return T(1.0507) * (x >= 0 ? x : T(1.6732) * std::expm1(x));
        case A::gelu:
            return x / (1 + std::exp(-2 * (T(0.797885) * x + T(0.035677) * x * x * x)));  // 1 + tanh would cancel
        case A::tanh:
            return std::tanh(x);
        case A::loggy:
            return std::tanh(x / 2);
        case A::hardtan:
            return x < -1 ? -1 : x > 1 ? 1 : x;
        case A::lhtan:
            return x < 0 ? x / 1000 : x > 1 ? (x - 1) / 1000 + 1 : x;
        case A::plse:
            return x < -4 ? (x + 4) / 100 : x > 4 ? (x - 4) / 100 + 1 : x / 8 + T(.5);
        case A::stair:
            return std::fmod(std::floor(x), T(2)) == 0 ? std::floor(x / 2) : x + (std::floor(x / 2) - std::floor(x));
        case A::normalize_channels:
        case A::normalize_channels_softmax:
        case A::normalize_channels_softmax_maxval:
            break;
    }
    return T(NAN);
}

}  // namespace convoy::test
