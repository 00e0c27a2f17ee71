// SPDX-License-Identifier: MIT
#include <cuda_fp16.h>

#include <cstring>
#include <vector>

#include "kernels/conv.h"
#include "tests/kernels/conv_problems.h"
#include "tests/support/catch.h"
#include "tests/support/random.h"

using namespace convoy;
using kernels::cuda::Conv;
using kernels::cuda::Math;

namespace {

/// Element (k, r, s, c) of (K, C/groups, R, S), zero where there is none.
struct Weights {
    const kernels::ConvProblem& p;
    std::vector<float> w;
    std::vector<double> scale;  // by k, may be empty

    float at(int k, int r, int s, int c) const {
        const int per_group = p.c / p.groups;
        if (k >= p.k || c >= per_group) return 0;
        return float(w[((std::size_t(k) * per_group + c) * p.r + r) * p.s + s] * (scale.empty() ? 1 : scale[k]));
    }
};

/// In the order in which kernels read them.
template <typename T>
std::vector<T> literal(const Conv& conv, const Weights& w, int packed_k, int packed_c) {
    const kernels::ConvProblem& p = conv.problem;
    std::vector<T> out;
    if (conv.depthwise()) {
        for (int r = 0; r < p.r; ++r)
            for (int s = 0; s < p.s; ++s)
                for (int k = 0; k < packed_k; ++k) out.push_back(T(w.at(k, r, s, 0)));
        return out;
    }
    for (int k = 0; k < packed_k; ++k)
        for (int r = 0; r < p.r; ++r)
            for (int s = 0; s < p.s; ++s)
                for (int c = 0; c < packed_c; ++c) out.push_back(T(w.at(k, r, s, c)));
    return out;
}

template <typename T>
void check(const Conv& conv, const Weights& weights, int packed_k, int packed_c) {
    const std::vector<T> expected = literal<T>(conv, weights, packed_k, packed_c);
    REQUIRE(conv.packed_k() == packed_k);
    if (!conv.depthwise()) REQUIRE(conv.packed_c() == packed_c);
    REQUIRE(conv.packed_elements() == expected.size());
    const std::size_t guard = 64;
    std::vector<unsigned char> packed(expected.size() * sizeof(T) + guard, 0xff);
    kernels::cuda::pack_weights(conv, weights.w.data(), weights.scale.empty() ? nullptr : weights.scale.data(),
                                packed.data());
    CHECK(std::memcmp(packed.data(), expected.data(), expected.size() * sizeof(T)) == 0);
    for (std::size_t i = packed.size() - guard; i < packed.size(); ++i) REQUIRE(packed[i] == 0xff);
}

}  // namespace

TEST_CASE("pack_weights: every layout, with and without scale") {
    struct Case {
        kernels::ConvProblem problem;
        int x_pitch;                             // in fp16 and in fp32
        int half_k, half_c, single_k, single_c;  // as packed
    };
    const Case cases[] = {
        {test::conv(1, 4, 4, 3, 16, 3), 4, 16, 4, 16, 4},
        {test::conv(1, 4, 4, 3, 16, 3), 8, 16, 8, 16, 4},
        {test::conv(1, 4, 4, 1, 1, 1), 4, 8, 4, 4, 4},
        {test::conv(1, 4, 4, 5, 18, 3), 8, 24, 8, 20, 8},
        {test::conv(1, 4, 4, 16, 255, 1), 48, 256, 16, 256, 16},
        {test::conv(1, 4, 4, 20, 32, 5), 24, 32, 24, 32, 20},
        {test::conv(1, 4, 4, 12, 18, 3, 1, 3), 16, 24, 4, 20, 4},
        {test::conv(1, 4, 4, 32, 64, 3, 1, 32), 32, 64, 1, 64, 1},
        {test::conv(1, 4, 4, 36, 36, 3, 1, 36), 40, 40, 1, 36, 1},
        {test::conv(1, 4, 4, 255, 255, 5, 2, 255), 256, 256, 1, 256, 1},
    };
    for (const Case& c : cases)
        for (bool scaled : {false, true}) {
            Weights weights{c.problem, test::random_floats(c.problem.weight_count(), 1), {}};
            if (scaled) {
                const std::vector<float> scale = test::random_floats(c.problem.k, 2, .25f, 2.f);
                weights.scale.assign(scale.begin(), scale.end());
            }
            INFO(test::describe(c.problem) << ", x pitch " << c.x_pitch << (scaled ? ", scaled" : ""));
            Conv conv;
            conv.problem = c.problem, conv.x_pitch = c.x_pitch;
            conv.math = Math::fp16;
            check<__half>(conv, weights, c.half_k, c.half_c);
            for (Math math : {Math::tf32, Math::fp32}) {
                conv.math = math;
                check<float>(conv, weights, c.single_k, c.single_c);
            }
        }
}

TEST_CASE("pack_weights: weights are scaled before they are rounded to fp16") {
    Conv conv;
    conv.problem = test::conv(1, 1, 1, 1, 1, 1);
    conv.x_pitch = 8;
    const float w = 1 + 0x1p-23f;  // to fp16 first, it would lose its last bit
    const double scale = 2046.5;   // and the product would be a tie, rounded down
    __half packed[64];
    kernels::cuda::pack_weights(conv, &w, &scale, packed);
    CHECK(float(packed[0]) == 2047);
}
