// SPDX-License-Identifier: MIT
//
// Every row of conv_pair_candidates() on every pair below that it supports, against the CPU's oracle run twice.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kernels/conv_pair.h"
#include "tests/kernels/conv_problems.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"
#include "tests/support/cuda.h"
#include "tests/support/random.h"

using namespace convoy;
using kernels::ConvProblem;
using kernels::DataType;
using kernels::cuda::ConvPair;
using kernels::cuda::ConvPairCandidate;
using kernels::cuda::DeviceCaps;
using test::conv;

namespace {

constexpr DataType kType = DataType::fp16;
constexpr int kGuard = 64;          // elements of y's memory before and after the tensor
constexpr float kElsewhere = 6e4f;  // what belongs to other slices: finite, and large enough to show at once
constexpr double kMostFlips = 8;    // values between the two whose rounding another order of sums has turned

/// One pair on the device with its expected result; x and y may be slices of wider tensors, by vectors of 16 bytes.
class PairCase {
public:
    PairCase(const ConvProblem& first, const ConvProblem& second, int before = 0, int after = 0)
        : first_(first), second_(second), before_(8 * before), after_(8 * after) {
        x_pitch_ = first.c <= 4 ? 4 : before_ + kernels::padded_channels(first.c, kType) + after_;
        x_before_ = first.c <= 4 ? 0 : before_;
        y_pitch_ = before_ + kernels::padded_channels(second.k, kType) + after_;
        x_ = test::rounded(kType, test::random_floats(pixels(first) * x_pitch_, 1));
        if (first.c > 4)
            for (std::size_t i = 0; i < x_.size(); ++i) {
                const int lane = int(i % x_pitch_) - before_;
                if (lane < 0 || lane >= x_pitch_ - before_ - after_) x_[i] = kElsewhere;
            }
        for (int i = 0; i < 2; ++i) {
            const ConvProblem& p = i ? second : first;
            const float scale = 3 / std::sqrt(float(terms(p)));  // outputs of variance 1
            w_[i] = test::rounded(kType, test::random_floats(p.weight_count(), 2 + 10 * i, -scale, scale));
            bias_[i] = test::random_floats(p.k, 3 + 10 * i);
        }
        expect();
    }

    ConvPair pair() const {
        const int between = kernels::padded_channels(first_.k, kType);
        return {{first_, kernels::cuda::Math::fp16, x_pitch_, between, 0, 1},
                {second_, kernels::cuda::Math::fp16, between, y_pitch_, second_.residual ? x_pitch_ : 0, 1},
                second_.residual};
    }

    /// All of y's memory after so many runs one after the other, as it lies; of runs whose bits are others, nothing.
    std::vector<float> run(const kernels::cuda::PreparedConvPair& kernel, bool backwards, int times = 1) const {
        const test::DeviceBytes x = test::upload_as(kType, x_), y(2 * (2 * kGuard + outputs() * y_pitch_));
        const test::DeviceBytes w0 = weights(0), w1 = weights(1), b0 = bias(0), b1 = bias(1);
        kernels::cuda::ConvPairPointers at;
        at.x = static_cast<char*>(x.data()) + 2 * x_before_;
        at.first_weights = w0.data(), at.first_bias = static_cast<const float*>(b0.data());
        at.second_weights = w1.data(), at.second_bias = static_cast<const float*>(b1.data());
        at.y = static_cast<char*>(y.data()) + 2 * (kGuard + before_);
        at.backwards = backwards;
        std::vector<char> first(y.bytes()), next(y.bytes());
        for (int i = 0; i < times; ++i) {
            kernel.launch(at, nullptr);
            test::cuda_ok(cudaMemcpy(i == 0 ? first.data() : next.data(), y.data(), y.bytes(), cudaMemcpyDeviceToHost));
            if (i > 0 && first != next) return {};
        }
        return test::download_as_float(kType, y.data(), y.bytes() / 2);
    }

    /// The worst element of a run; not ok as well when something outside of the slice was written or a surplus lane is
    /// not finite.
    test::Comparison check(const std::vector<float>& y) const {
        const kernels::ConstTensor actual{
            y.data() + kGuard + before_, second_.n, second_.p(), second_.q(), second_.k, y_pitch_};
        const kernels::ConstTensor expected{expected_.data(), second_.n, second_.p(),
                                            second_.q(),      second_.k, second_.k};
        test::Comparison result = test::compare(actual, expected, absolute_bound(), 4e-6 + std::ldexp(1.001, -11));
        for (std::size_t i = 0; i < y.size(); ++i) {
            const std::ptrdiff_t at = std::ptrdiff_t(i) - kGuard;
            const int lane = int((at + y_pitch_) % y_pitch_) - before_;
            const bool ours = at >= 0 && i < y.size() - kGuard && lane >= 0 && lane < y_pitch_ - before_ - after_;
            if (ours == bool(std::isfinite(y[i]))) continue;
            result.ok = false;
            result.message += ours ? "; not finite: " : "; written outside of the slice: ";
            result.message += "pixel " + std::to_string(at / y_pitch_) + ", lane " + std::to_string(lane);
            break;
        }
        return result;
    }

    std::string describe() const {
        return test::describe(first_) + "; then " + test::describe(second_) + "; pitches " + std::to_string(x_pitch_) +
               ", " + std::to_string(y_pitch_);
    }

private:
    static std::size_t pixels(const ConvProblem& p) { return std::size_t(p.n) * p.h * p.w; }
    static std::size_t terms(const ConvProblem& p) { return p.weight_count() / p.k; }
    std::size_t outputs() const { return std::size_t(second_.n) * second_.p() * second_.q(); }

    void expect() {
        std::vector<float> between(pixels(second_) * first_.k);
        kernels::cpu::conv_reference(first_, {x_.data() + x_before_, first_.n, first_.h, first_.w, first_.c, x_pitch_},
                                     w_[0].data(), bias_[0].data(),
                                     {between.data(), second_.n, second_.h, second_.w, first_.k, first_.k});
        between = test::rounded(kType, between);
        for (float f : between) largest_between_ = std::max(largest_between_, double(std::abs(f)));
        expected_.resize(outputs() * second_.k);
        if (second_.residual)
            for (std::size_t i = 0; i < expected_.size(); ++i)
                expected_[i] = x_[i / second_.k * x_pitch_ + x_before_ + i % second_.k];
        kernels::cpu::conv_reference(second_, {between.data(), second_.n, second_.h, second_.w, first_.k, first_.k},
                                     w_[1].data(), bias_[1].data(),
                                     {expected_.data(), second_.n, second_.p(), second_.q(), second_.k, second_.k});
    }

    test::DeviceBytes weights(int i) const {
        const kernels::cuda::Conv packing = i ? pair().second : pair().first;
        std::vector<char> packed(packing.packed_elements() * 2);
        kernels::cuda::pack_weights(packing, w_[i].data(), nullptr, packed.data());
        return test::upload(packed);
    }
    test::DeviceBytes bias(int i) const {
        std::vector<float> padded = bias_[i];
        padded.resize(kernels::padded_channels(int(padded.size()), kType));
        return test::upload(padded);
    }

    /// Of a sum in another order (conv_case.h), times the slopes of two activations; and of the values between whose
    /// sums lie so close to the middle of two halves that another order rounds to the other: one in some hundred.
    double absolute_bound() const {
        double sum = 0, largest = 0;  // of w², of |w|
        for (int k = 0; k < second_.k; ++k) {
            double squares = 0;
            for (std::size_t i = 0; i < terms(second_); ++i) {
                const double w = w_[1][k * terms(second_) + i];
                squares += w * w, largest = std::max(largest, std::abs(w));
            }
            sum = std::max(sum, squares);
        }
        const double partial_sum = 4 * std::sqrt(sum) * std::max(1., largest_between_ / 2);
        const double flips = kMostFlips * std::ldexp(largest_between_, -10) * largest;
        return 1.21 * (test::dot_bound(terms(second_) + 8, partial_sum + 1) + flips) + 4e-6;
    }

    const ConvProblem first_, second_;
    const int before_, after_;
    int x_pitch_ = 0, y_pitch_ = 0, x_before_ = 0;
    std::vector<float> x_, w_[2], bias_[2], expected_;
    double largest_between_ = 0;
};

ConvProblem with(ConvProblem p, Activation activation) {
    p.activation = activation;
    return p;
}

/// 1x1 to `between` channels, 3x3 back, plus the input.
PairCase block(int n, int h, int w, int c, int between, Activation activation = Activation::leaky, int before = 0,
               int after = 0, Activation last = Activation::linear, std::optional<Activation> first = {}) {
    ConvProblem second = with(conv(n, h, w, between, c, 3), activation);
    second.residual = true, second.after_residual = last;
    return {with(conv(n, h, w, c, between, 1), first.value_or(activation)), second, before, after};
}
/// The first layer, then one of stride 2.
PairCase stem(int n, int h, int w, int between, int k, Activation activation = Activation::leaky, int before = 0,
              int after = 0, int c = 3, std::optional<Activation> first = {}) {
    return {with(conv(n, h, w, c, between, 3), first.value_or(activation)),
            with(conv(n, h, w, between, k, 3, 2), activation), before, after};
}

std::vector<PairCase> pairs() {
    std::vector<PairCase> all;
    for (auto [c, between] : {std::pair(64, 32), {128, 64}, {64, 64}, {128, 128}, {256, 128}, {32, 16}})
        for (auto [n, h, w] : {std::array{1, 13, 13}, {2, 26, 26}, {1, 1, 1}, {3, 7, 33}, {1, 40, 9}, {5, 16, 16}}) {
            all.push_back(block(n, h, w, c, between));
            all.push_back(block(n, h, w, c, between, Activation::mish, 1, 2));
        }
    all.push_back(block(2, 20, 20, 64, 32, Activation::relu, 0, 3, Activation::leaky));
    all.push_back(block(2, 20, 20, 128, 64, Activation::swish, 2, 0));
    all.push_back(block(33, 13, 11, 64, 32, Activation::linear));
    all.push_back(block(1, 104, 104, 128, 64));
    all.push_back(block(1, 208, 208, 64, 32));
    for (auto [n, h, w] :
         {std::array{1, 32, 32}, {2, 30, 34}, {1, 1, 1}, {1, 2, 4}, {3, 15, 66}, {1, 81, 18}, {5, 40, 40}})
        for (auto [between, k] : {std::pair(32, 64), {16, 32}, {32, 32}, {16, 64}}) {
            all.push_back(stem(n, h, w, between, k));
            all.push_back(stem(n, h, w, between, k, Activation::mish, 1, 2));
        }
    all.push_back(stem(33, 20, 18, 32, 64, Activation::relu));
    for (int c : {1, 2, 4}) all.push_back(stem(2, 21, 34, 32, 64, Activation::leaky, 0, 0, c));
    // Activations of their own.
    for (auto [first, second] : {std::pair(Activation::leaky, Activation::linear),
                                 {Activation::linear, Activation::relu},
                                 {Activation::mish, Activation::logistic}}) {
        for (int c : {64, 128}) all.push_back(block(2, 20, 20, c, c / 2, second, 0, 0, Activation::leaky, first));
        all.push_back(stem(2, 30, 34, 32, 64, second, 0, 0, 3, first));
    }
    all.push_back(stem(2, 416, 416, 32, 64));
    return all;
}

/// Names of the rows that one of these exercises.
std::set<std::string> check_all(const std::vector<PairCase>& items) {
    const DeviceCaps caps = test::current_caps();
    std::set<std::string> seen;
    for (const PairCase& item : items)
        for (const ConvPairCandidate& row : kernels::cuda::conv_pair_candidates()) {
            if (!row.supports(item.pair(), caps)) continue;
            INFO(row.name << ": " << item.describe());
            const auto kernel = row.prepare(item.pair(), caps);
            REQUIRE(kernel);
            seen.insert(row.name);
            const std::vector<float> forwards = item.run(*kernel, false), backwards = item.run(*kernel, true);
            const test::Comparison result = item.check(forwards);
            INFO(result.message);
            CHECK(result.ok);
            CHECK(std::memcmp(forwards.data(), backwards.data(), 4 * forwards.size()) == 0);
        }
    return seen;
}

}  // namespace

TEST_CASE("conv_pair_candidates(): every row computes what it supports") {
    REQUIRE_GPU();
    if (kernels::cuda::conv_pair_candidates().empty()) SKIP_TEST_CASE("no row is compiled for this GPU");
    CHECK(check_all(pairs()).size() == kernels::cuda::conv_pair_candidates().size());
}

// Small enough for compute-sanitizer.
TEST_CASE("conv_pair_candidates(): a few odd shapes", "[.][sanitize]") {
    REQUIRE_GPU();
    check_all({block(2, 29, 31, 64, 32), block(1, 15, 29, 128, 64), block(1, 5, 3, 64, 32, Activation::mish, 1, 2),
               stem(2, 37, 42, 32, 64), stem(1, 7, 6, 32, 64, Activation::mish, 1, 2)});
}

TEST_CASE("conv_pair_candidates(): 1,000 runs give the same bits", "[slow]") {
    REQUIRE_GPU();
    const DeviceCaps caps = test::current_caps();
    const std::vector<PairCase> items{block(2, 52, 50, 64, 32), block(2, 40, 40, 128, 64), stem(2, 104, 100, 32, 64)};
    for (const PairCase& item : items)
        for (const ConvPairCandidate& row : kernels::cuda::conv_pair_candidates()) {
            if (!row.supports(item.pair(), caps)) continue;
            INFO(row.name << ": " << item.describe());
            CHECK_FALSE(item.run(*row.prepare(item.pair(), caps), false, 1000).empty());
        }
}
