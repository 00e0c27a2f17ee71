// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "kernels/types.h"

namespace convoy::test {

/// Outcome of comparing two tensors element by element.
struct Comparison {
    bool ok = true;
    double worst_share = 0;  ///< largest |actual - expected| / bound
    std::string message;     ///< worst coordinate, both values, the bound, and the share of it used
};

/// Whether every element of `actual` is within `absolute + relative * |expected|` of `expected`. NaN never passes.
/// Use as:  auto c = compare(…); INFO(c.message); CHECK(c.ok);
Comparison compare(kernels::ConstTensor actual, kernels::ConstTensor expected, double absolute, double relative);

/// Bound for a float sum of `terms` products in any order: terms · 2⁻²⁴ · Σ|a·b|, given `magnitude` = Σ|a·b|.
double dot_bound(std::size_t terms, double magnitude);

}  // namespace convoy::test
