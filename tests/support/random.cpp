// SPDX-License-Identifier: MIT
#include "tests/support/random.h"

#include <cmath>
#include <cstdlib>
#include <limits>

namespace convoy::test {

std::vector<float> random_floats(std::size_t count, std::uint64_t seed, float low, float high) {
    std::vector<float> out(count);
    static const char* const others = std::getenv("CONVOY_TEST_SEED");
    static const std::uint64_t base = others ? std::strtoull(others, nullptr, 10) << 32 : 0;
    std::uint64_t state = (seed + base) * 0x9e3779b97f4a7c15u + 1;
    for (float& f : out) {  // splitmix64
        std::uint64_t z = (state += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        f = low + (high - low) * float((z ^ (z >> 31)) >> 40) * 0x1p-24f;
    }
    return out;
}

OwnedTensor::OwnedTensor(int n, int h, int w, int c, int pitch)
    : n_(n),
      h_(h),
      w_(w),
      c_(c),
      pitch_(pitch ? pitch : c),
      data_(std::size_t(n) * h * w * pitch_, std::numeric_limits<float>::quiet_NaN()) {}

OwnedTensor& OwnedTensor::fill_random(std::uint64_t seed, float low, float high) {
    const kernels::Tensor t = view();
    const std::vector<float> values = random_floats(t.pixels() * c_, seed, low, high);
    for (std::size_t i = 0; i < t.pixels(); ++i)
        for (int c = 0; c < c_; ++c) t.pixel(i)[c] = values[i * c_ + c];
    return *this;
}

OwnedTensor& OwnedTensor::fill(float value) {
    const kernels::Tensor t = view();
    for (std::size_t i = 0; i < t.pixels(); ++i)
        for (int c = 0; c < c_; ++c) t.pixel(i)[c] = value;
    return *this;
}

bool OwnedTensor::gaps_intact() const {
    const kernels::ConstTensor t = view();
    for (std::size_t i = 0; i < t.pixels(); ++i)
        for (int c = c_; c < pitch_; ++c)
            if (!std::isnan(t.pixel(i)[c])) return false;
    return true;
}

}  // namespace convoy::test
