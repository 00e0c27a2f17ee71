// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/types.h"

namespace convoy::test {

/// Seeded uniform floats in [low, high); the same bits on every machine. CONVOY_TEST_SEED=N gives all of them others.
std::vector<float> random_floats(std::size_t count, std::uint64_t seed, float low = -1.f, float high = 1.f);

/// A tensor that owns its memory, with `pitch` >= c; what lies between pixels is NaN so that a kernel that reads or
/// writes it is found out.
class OwnedTensor {
public:
    OwnedTensor(int n, int h, int w, int c, int pitch = 0);
    OwnedTensor& fill_random(std::uint64_t seed, float low = -1.f, float high = 1.f);
    OwnedTensor& fill(float value);
    kernels::Tensor view() { return {data_.data(), n_, h_, w_, c_, pitch_}; }
    kernels::ConstTensor view() const { return {data_.data(), n_, h_, w_, c_, pitch_}; }
    /// Whether the gaps between pixels are untouched.
    bool gaps_intact() const;

private:
    int n_, h_, w_, c_, pitch_;
    std::vector<float> data_;
};

}  // namespace convoy::test
