// SPDX-License-Identifier: MIT
//
// Kernels on bf16 against the same in float: one rounding of what that gives, bit by bit.
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/elementwise.h"
#include "kernels/pool.h"
#include "kernels/upsample.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"
#include "tests/support/random.h"

using namespace convoy;
using namespace convoy::kernels;
using test::OwnedTensor;

namespace {

/// A tensor of bf16 that owns its memory; NaN lies between its pixels.
class OwnedBf16 {
public:
    OwnedBf16(int n, int h, int w, int c, int pitch)
        : n_(n), h_(h), w_(w), c_(c), pitch_(pitch), data_(std::size_t(n) * h * w * pitch, Bf16{0x7fff}) {}
    explicit OwnedBf16(const ConstTensor& x, int gap = 0) : OwnedBf16(x.n, x.h, x.w, x.c, x.c + gap) {
        for (std::size_t i = 0; i < x.pixels(); ++i)
            for (int c = 0; c < x.c; ++c) view().pixel(i)[c] = to_bf16(x.pixel(i)[c]);
    }
    Bf16Tensor view() { return {data_.data(), n_, h_, w_, c_, pitch_}; }
    HostTensor any() { return {data_.data(), DataType::bf16, n_, h_, w_, c_, pitch_}; }
    OwnedTensor floats() const {
        OwnedTensor out(n_, h_, w_, c_);
        for (std::size_t i = 0; i < out.view().pixels(); ++i)
            for (int c = 0; c < c_; ++c) out.view().pixel(i)[c] = to_float(data_[i * std::size_t(pitch_) + c]);
        return out;
    }
    bool gaps_intact() const {
        for (std::size_t i = 0; i < data_.size(); ++i)
            if (int(i % std::size_t(pitch_)) >= c_ && data_[i].bits != 0x7fff) return false;
        return true;
    }

private:
    int n_, h_, w_, c_, pitch_;
    std::vector<Bf16> data_;
};

/// Whether `actual` is `expected` rounded once.
void check_rounded(const OwnedBf16& actual, const OwnedTensor& expected) {
    const OwnedTensor once = OwnedBf16(expected.view()).floats(), values = actual.floats();
    const auto c = test::compare(values.view(), once.view(), 0, 0);
    INFO(c.message);
    CHECK(c.ok);
    CHECK(actual.gaps_intact());
}

OwnedBf16 random_bf16(int h, int w, int c, int gap, std::uint64_t seed) {
    return OwnedBf16(OwnedTensor(1, h, w, c).fill_random(seed, -3, 3).view(), gap);
}

}  // namespace

TEST_CASE("bf16: every number goes to float and back", "[bf16]") {
    for (unsigned bits = 0; bits < 0x10000; ++bits) {
        const float x = to_float(Bf16{std::uint16_t(bits)});
        if (std::isnan(x))
            CHECK(std::isnan(to_float(to_bf16(x))));
        else
            REQUIRE(to_bf16(x).bits == bits);
    }
}

TEST_CASE("bf16: floats go to the nearest, to even between two", "[bf16]") {
    for (const float sign : {1.f, -1.f}) {
        CHECK(to_float(to_bf16(sign * (1 + std::ldexp(1.f, -8)))) == sign);  // a tie
        CHECK(to_float(to_bf16(sign * (1 + 3 * std::ldexp(1.f, -8)))) ==
              sign * (1 + 2 * std::ldexp(1.f, -7)));  // a tie
        CHECK(to_float(to_bf16(sign * (1 + 1.01f * std::ldexp(1.f, -8)))) == sign * (1 + std::ldexp(1.f, -7)));
        CHECK(to_float(to_bf16(sign * (1 + .99f * std::ldexp(1.f, -8)))) == sign);
        const float most = std::numeric_limits<float>::max(), infinity = std::numeric_limits<float>::infinity();
        CHECK(to_float(to_bf16(sign * most)) == sign * infinity);
        CHECK(to_float(to_bf16(sign * infinity)) == sign * infinity);
    }
    // A NaN all of whose bits are in the lower half.
    CHECK(std::isnan(to_float(to_bf16(std::bit_cast<float>(0x7f800001u)))));
    for (const float x : test::random_floats(100000, 1, -1e3f, 1e3f))
        REQUIRE(std::fabs(to_float(to_bf16(x)) - x) <= std::ldexp(std::fabs(x), -8) * (1 + 1e-6));
}

TEST_CASE("bf16: convert, from any type to any, slices too", "[bf16]") {
    OwnedTensor x(1, 3, 5, 11);
    x.fill_random(1);
    const HostTensor floats{x.view().data, DataType::fp32, 1, 3, 5, 11, 11};
    OwnedBf16 half(1, 3, 5, 11, 14), other(1, 3, 5, 11, 12);
    cpu::convert(floats, half.any());
    check_rounded(half, x);
    cpu::convert(half.any(), other.any());
    check_rounded(other, x);
    OwnedTensor back(1, 3, 5, 11);
    cpu::convert(other.any(), {back.view().data, DataType::fp32, 1, 3, 5, 11, 11});
    CHECK(test::compare(back.view(), half.floats().view(), 0, 0).ok);
}

TEST_CASE("bf16: activations and sums", "[bf16]") {
    for (const int c : {1, 7, 8, 33}) {
        OwnedBf16 a = random_bf16(4, 5, c, 3, 1), b = random_bf16(4, 5, (c + 1) / 2, 1, 2);
        OwnedTensor wide_a = a.floats(), wide_b = b.floats(), expected(1, 4, 5, c), sums(1, 4, 5, c);
        sums.fill_random(3, -2, 2);
        for (const Activation f : kActivations) {
            INFO("activation " << int(f) << ", " << c << " channels");
            OwnedBf16 y(1, 4, 5, c, c + 2);
            cpu::activate(f, a.view(), y.view());
            cpu::activate(f, wide_a.view(), expected.view());
            check_rounded(y, expected);
            cpu::add(f, a.view(), b.view(), y.view());
            cpu::add(f, wide_a.view(), wide_b.view(), expected.view());
            check_rounded(y, expected);
            cpu::add(f, sums.view(), b.view(), y.view());
            cpu::add(f, sums.view(), wide_b.view(), expected.view());
            check_rounded(y, expected);
        }
    }
}

TEST_CASE("bf16: maxpool and upsample", "[bf16]") {
    for (const int c : {1, 5, 16, 40})
        for (const auto& [size, stride, padding] :
             {std::tuple{2, 2, 0}, {2, 2, 1}, {2, 1, 1}, {3, 2, 2}, {5, 1, 4}, {13, 1, 12}, {3, 3, 0}}) {
            INFO(c << " channels, size " << size << ", stride " << stride << ", padding " << padding);
            OwnedBf16 x = random_bf16(13, 14, c, 2, 7);
            OwnedTensor wide = x.floats();
            const int h = (13 + padding - size) / stride + 1, w = (14 + padding - size) / stride + 1;
            OwnedTensor expected(1, h, w, c);
            OwnedBf16 y(1, h, w, c, c + 1);
            cpu::maxpool(size, stride, stride, padding, x.view(), y.view());
            cpu::maxpool(size, stride, stride, padding, wide.view(), expected.view());
            check_rounded(y, expected);
        }
    for (const float scale : {1.f, .3f}) {
        OwnedBf16 x = random_bf16(3, 4, 19, 1, 8), y(1, 9, 12, 19, 20);
        OwnedTensor wide = x.floats(), expected(1, 9, 12, 19);
        cpu::upsample(3, scale, x.view(), y.view());
        cpu::upsample(3, scale, wide.view(), expected.view());
        check_rounded(y, expected);
    }
}
