// SPDX-License-Identifier: MIT
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>
#include <stdexcept>
#include <vector>

#include "kernels/conv.h"
#include "kernels/elementwise.h"
#include "tests/kernels/conv_problems.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"
#include "tests/support/random.h"

using namespace convoy;
using kernels::ConvProblem;
using kernels::DataType;
using kernels::cpu::ConvOnednn;
using kernels::cpu::ConvTypes;
using test::OwnedTensor;

namespace {

constexpr std::size_t kGuard = 256;  // bytes on either side of a buffer, NaN of any type before and after
constexpr std::byte kPoison{0xff};

/// Bytes between two guards: what generated code does is out of a sanitizer's sight.
struct Guarded {
    std::vector<std::byte> all;
    explicit Guarded(std::size_t bytes) : all(bytes + 2 * kGuard, kPoison) {}
    Guarded(const std::vector<float>& values, DataType type) : Guarded(values.size() * kernels::size_of(type)) {
        kernels::HostTensor to = tensor(type, int(values.size()));
        kernels::cpu::convert({const_cast<float*>(values.data()), DataType::fp32, 1, 1, 1, to.c, to.c}, to);
    }
    void* data() { return all.data() + kGuard; }
    kernels::HostTensor tensor(DataType type, int count) { return {data(), type, 1, 1, 1, count, count}; }
    std::vector<float> floats(DataType type, std::size_t count) {
        std::vector<float> values(count);
        kernels::HostTensor from = tensor(type, int(count));
        kernels::cpu::convert(from, {values.data(), DataType::fp32, 1, 1, 1, from.c, from.c});
        return values;
    }
    bool intact() const {
        const auto poisoned = [](std::byte b) { return b == kPoison; };
        return std::all_of(all.begin(), all.begin() + kGuard, poisoned) &&
               std::all_of(all.end() - kGuard, all.end(), poisoned);
    }
};

std::vector<float> rounded(std::vector<float> values) {
    for (float& f : values) f = kernels::to_float(kernels::to_bf16(f));
    return values;
}

std::vector<float> absolute(std::vector<float> values) {
    for (float& f : values) f = std::fabs(f);
    return values;
}

struct Case {
    explicit Case(const ConvProblem& problem)
        : p(problem),
          x(test::random_floats(std::size_t(p.n) * p.h * p.w * p.c, 1)),
          w(test::random_floats(p.weight_count(), 2)),
          bias(test::random_floats(p.k, 3)),
          y(std::size_t(p.n) * p.p() * p.q() * p.k, NAN),
          scale(p.k) {
        if (p.residual) y = test::random_floats(y.size(), 4);
        const auto s = test::random_floats(p.k, 5, .25f, 2.f);
        std::copy(s.begin(), s.end(), scale.begin());
    }
    kernels::ConstTensor input() const { return {x.data(), p.n, p.h, p.w, p.c, p.c}; }
    kernels::Tensor output(std::vector<float>& of) const { return {of.data(), p.n, p.p(), p.q(), p.k, p.k}; }
    std::vector<float> scaled() const {
        std::vector<float> out = w;
        const std::size_t row = w.size() / p.k;
        for (std::size_t i = 0; i < w.size(); ++i) out[i] = float(w[i] * scale[i / row]);
        return out;
    }
    std::vector<float> expected() const {
        std::vector<float> out = y;
        kernels::cpu::conv_reference(p, input(), scaled().data(), bias.data(), output(out));
        return out;
    }
    /// Largest Σ|x·w| + |bias| of any output.
    double magnitude() const {
        ConvProblem linear = p;
        linear.activation = Activation::linear;
        linear.residual = false;
        std::vector<float> out(y.size());
        const auto ax = absolute(x), aw = absolute(scaled()), ab = absolute(bias);
        kernels::cpu::conv_reference(linear, {ax.data(), p.n, p.h, p.w, p.c, p.c}, aw.data(), ab.data(), output(out));
        return *std::max_element(out.begin(), out.end());
    }

    ConvProblem p;
    std::vector<float> x, w, bias, y;  // y as it is before the run
    std::vector<double> scale;
};

/// Runs the case and returns the kernel's name.
std::string check(const kernels::cpu::Conv& kernel, const ConvProblem& problem, ConvTypes types) {
    Case c(problem);
    if (types.x == DataType::bf16) c.x = rounded(c.x);
    if (types.y == DataType::bf16) c.y = rounded(c.y);
    Guarded packed(kernel.packed_bytes()), scratch(kernel.scratch_bytes()), x(c.x, types.x), y(c.y, types.y);
    kernel.pack(c.w.data(), c.scale.data(), packed.data());
    kernel.run(x.data(), packed.data(), c.bias.data(), y.data(), scratch.data());

    if (kernel.products() == DataType::bf16) {
        c.w = rounded(c.scaled());
        c.scale.assign(c.scale.size(), 1.);
    }
    std::vector<float> expected = c.expected(), values = y.floats(types.y, c.y.size());
    // The sum in any order, through functions of slope < 1.1 that oneDNN itself knows to 2e-6; then half a bit of y.
    const std::size_t terms = problem.weight_count() / problem.k + 2;
    const double bound = 1.21 * test::dot_bound(terms, c.magnitude()) + 4e-6;
    const double rounding = 4e-6 + (types.y == DataType::bf16 ? std::ldexp(1.001, -8) : 0);
    const kernels::ConstTensor actual{values.data(), problem.n, problem.p(), problem.q(), problem.k, problem.k};
    const auto sound = test::compare(actual, c.output(expected), bound, rounding);
    // That bound is the worst case; errors of random sign stay far below it, and below what a layer is promised.
    double largest = 0;
    for (float f : expected) largest = std::max(largest, double(std::fabs(f)));
    const auto promised = test::compare(actual, c.output(expected), 4e-6 + 1e-5 * largest, rounding - 4e-6);
    INFO(test::describe(problem) << ", types " << int(types.x) << int(types.y) << " by " << kernel.name());
    INFO(sound.message << "; " << promised.message);
    CHECK(sound.ok);
    CHECK(promised.ok);
    CHECK(packed.intact());
    CHECK(scratch.intact());
    CHECK(x.intact());
    CHECK(y.intact());
    return kernel.name();
}

std::string check(const ConvProblem& problem, ConvTypes types = {}) {
    return check(ConvOnednn(problem, types), problem, types);
}

/// In fp32 and, where the processor has it, in every mixture with bf16.
void check_types(const ConvProblem& problem) {
    check(problem);
    if (!kernels::cpu::has_bf16()) return;
    for (const ConvTypes types : {ConvTypes{DataType::fp32, DataType::bf16},
                                  {DataType::bf16, DataType::fp32},
                                  {DataType::bf16, DataType::bf16}})
        check(problem, types);
}

}  // namespace

TEST_CASE("ConvOnednn: the layers of yolov3, tiny and Yolo-Fastest on a small picture") {
    struct Layer {
        int c, k, size, stride, groups;
    };
    const Layer layers[] = {
        {3, 32, 3, 1, 1},      {32, 64, 3, 2, 1},     {64, 32, 1, 1, 1},     {32, 64, 3, 1, 1},
        {64, 128, 3, 2, 1},    {128, 64, 1, 1, 1},    {64, 128, 3, 1, 1},    {128, 256, 3, 2, 1},
        {256, 128, 1, 1, 1},   {128, 256, 3, 1, 1},   {256, 512, 3, 2, 1},   {512, 256, 1, 1, 1},
        {256, 512, 3, 1, 1},   {512, 1024, 3, 2, 1},  {1024, 512, 1, 1, 1},  {512, 1024, 3, 1, 1},
        {1024, 255, 1, 1, 1},  {768, 256, 1, 1, 1},   {384, 128, 1, 1, 1},   {3, 16, 3, 1, 1},
        {16, 32, 3, 1, 1},     {384, 256, 3, 1, 1},   {3, 16, 3, 2, 1},      {8, 48, 1, 1, 1},
        {16, 8, 1, 1, 1},      {48, 272, 1, 1, 1},    {272, 96, 1, 1, 1},    {96, 255, 1, 1, 1},
        {12, 72, 1, 1, 1},     {96, 448, 1, 1, 1},    {16, 16, 3, 1, 16},    {48, 48, 3, 2, 48},
        {72, 72, 3, 1, 72},    {96, 96, 5, 1, 96},    {144, 144, 5, 1, 144}, {192, 192, 3, 2, 192},
        {272, 272, 3, 2, 272}, {448, 448, 3, 1, 448},
    };
    std::set<std::string> chosen;
    for (const Layer& l : layers) {
        ConvProblem p = test::conv(1, 4, 5, l.c, l.k, l.size, l.stride, l.groups);
        p.activation = Activation::leaky;
        chosen.insert(check(p));
        p.activation = Activation::linear;
        check_types(p);
    }
    for (const std::string& name : chosen) UNSCOPED_INFO(name);
    CHECK(!chosen.empty());
}

TEST_CASE("ConvOnednn: every activation, alone and before and after a residual") {
    for (Activation a : kFusedActivations)
        for (int groups : {1, 24}) {
            ConvProblem p = test::conv(1, 6, 7, 24, 24, 3, 1, groups);
            p.activation = a;
            check_types(p);
            p.residual = true;
            check_types(p);
            for (Activation b : kFusedActivations) {
                p.after_residual = b;
                check_types(p);
            }
        }
}

TEST_CASE("ConvOnednn: odd shapes") {
    for (ConvProblem p :
         {test::conv(1, 1, 1, 5, 7, 3), test::conv(1, 1, 1, 512, 33, 1), test::conv(1, 9, 8, 12, 18, 3, 1, 3),
          test::conv(1, 9, 8, 64, 64, 3, 2, 2), test::conv(1, 7, 9, 32, 64, 3, 1, 32), test::conv(1, 9, 11, 17, 19, 5),
          test::conv(1, 13, 7, 16, 31, 7, 3), test::conv(1, 3, 40, 1, 1, 3), test::conv(1, 8, 8, 6, 6, 3, 2, 6),
          test::conv(1, 4, 4, 255, 255, 3, 1, 255)}) {
        p.activation = Activation::leaky;
        check_types(p);
        p.residual = true;
        check_types(p);
        p.pad_h = 0, p.pad_w = p.s - 1;
        if (p.h >= p.r) check_types(p);
    }
    ConvProblem p = test::conv(2, 17, 14, 20, 24, 3);
    for (int dilation : {2, 3})
        for (int groups : {1, 4}) {
            p.dilation = dilation, p.groups = groups;
            p.pad_h = p.pad_w = dilation;
            check_types(p);
            p.stride_h = 1, p.stride_w = 2;
            check_types(p);
            p.stride_h = 3, p.stride_w = 1;
            check_types(p);
            p.stride_h = p.stride_w = 1;
        }
}

TEST_CASE("ConvFirst: pictures of few channels, to bf16") {
    if (!kernels::cpu::has_bf16()) SKIP_TEST_CASE("this CPU has no AVX512-BF16");
    constexpr ConvTypes kTypes{DataType::fp32, DataType::bf16};
    for (const int channels : {1, 3, 4})
        for (const int filters : {16, 32, 48})
            for (const auto& [h, w] : {std::pair{1, 1}, {2, 3}, {7, 20}, {9, 33}})
                for (const auto& [size, stride] : {std::pair{3, 1}, {3, 2}, {1, 1}, {5, 2}, {7, 2}, {3, 3}})
                    for (const int batch : {1, 3}) {
                        ConvProblem p = test::conv(batch, h, w, channels, filters, size, stride);
                        for (const Activation a : {Activation::linear, Activation::leaky, Activation::relu}) {
                            p.activation = a;
                            REQUIRE(kernels::cpu::ConvFirst::supports(p, kTypes));
                            check(kernels::cpu::ConvFirst(p), p, kTypes);
                        }
                        p.pad_h = 0, p.pad_w = size - 1;
                        if (h >= size) check(kernels::cpu::ConvFirst(p), p, kTypes);
                    }
    ConvProblem p = test::conv(1, 8, 8, 3, 32, 3);
    CHECK(std::string(kernels::cpu::make_conv(p, kTypes)->name()) == kernels::cpu::ConvFirst(p).name());
    p.activation = Activation::mish;
    CHECK_FALSE(kernels::cpu::ConvFirst::supports(p, kTypes));
    CHECK_FALSE(kernels::cpu::ConvFirst::supports(test::conv(1, 8, 8, 3, 24, 3), kTypes));
    CHECK_FALSE(kernels::cpu::ConvFirst::supports(test::conv(1, 8, 8, 3, 32, 3), {}));
}

TEST_CASE("ConvOnednn: batches, and weights packed once for all that agree on the layout") {
    for (ConvProblem p :
         {test::conv(1, 6, 5, 32, 40, 3), test::conv(1, 6, 5, 48, 255, 1), test::conv(1, 6, 5, 24, 24, 3, 2, 24)}) {
        p.activation = Activation::mish;
        const Case one(p);
        const ConvOnednn packer(p);
        std::vector<float> packed((packer.packed_bytes() + 3) / 4);
        packer.pack(one.w.data(), nullptr, packed.data());
        for (int n = 1; n <= 9; ++n) {
            p.n = n;
            check_types(p);
            const ConvOnednn kernel(p);
            REQUIRE(kernel.shares_packing(kernel));
            if (!kernel.shares_packing(packer)) continue;
            Case c(p);
            c.scale.assign(p.k, 1.);
            std::vector<float> y(c.y), expected = c.expected(), scratch(kernel.scratch_bytes() / 4 + 1);
            kernel.run(c.x.data(), packed.data(), c.bias.data(), y.data(), scratch.data());
            const auto same = test::compare(c.output(y), c.output(expected), 2e-5, 1e-5);
            INFO("packed for one picture, run on " << n << ": " << same.message);
            CHECK(same.ok);
        }
    }
    ConvProblem a = test::conv(1, 6, 5, 32, 40, 3), b = a;
    b.k = 48;
    CHECK_FALSE(ConvOnednn(a).shares_packing(ConvOnednn(b)));
}

TEST_CASE("ConvOnednn: oneDNN's activations from -1e4 to 1e4") {
    const int count = 4001;
    std::vector<float> x;
    for (int i = 0; i < count; ++i) x.push_back(20.f * float(i - count / 2) / float(count / 2));
    for (float large : {30.f, 50.f, 88.f, 89.f, 104.f, 1e3f, 1e4f}) x.insert(x.end(), {large, -large});
    for (Activation a : kFusedActivations) {
        ConvProblem p = test::conv(1, int(x.size()), 1, 1, 1, 1);
        p.activation = a;
        const ConvOnednn kernel(p);
        const float one = 1, zero = 0;
        std::vector<float> packed((kernel.packed_bytes() + 3) / 4), scratch(kernel.scratch_bytes() / 4 + 1);
        std::vector<float> y(x.size(), NAN), expected(x.size());
        kernel.pack(&one, nullptr, packed.data());
        kernel.run(x.data(), packed.data(), &zero, y.data(), scratch.data());
        kernels::cpu::conv_reference(p, {x.data(), 1, p.h, 1, 1, 1}, &one, &zero, {expected.data(), 1, p.h, 1, 1, 1});
        const auto c = test::compare({y.data(), 1, p.h, 1, 1, 1}, {expected.data(), 1, p.h, 1, 1, 1}, 2e-6, 4e-7);
        INFO("activation " << int(a) << " by " << kernel.name() << ": " << c.message);
        CHECK(c.ok);
    }
}

TEST_CASE("ConvOnednn: runs again on other buffers, and is moved") {
    const ConvProblem p = test::conv(1, 5, 6, 16, 20, 3);
    Case c(p);
    ConvOnednn first(p);
    std::vector<float> packed((first.packed_bytes() + 3) / 4), scratch(first.scratch_bytes() / 4 + 1);
    first.pack(c.w.data(), c.scale.data(), packed.data());
    std::vector<float> once(c.y), again(c.y), packed_copy = packed, x_copy = c.x;
    first.run(c.x.data(), packed.data(), c.bias.data(), once.data(), scratch.data());
    const ConvOnednn second = std::move(first);
    second.run(x_copy.data(), packed_copy.data(), c.bias.data(), again.data(), scratch.data());
    CHECK(once == again);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they take memory of their own
TEST_CASE("ConvOnednn: without memory for its code it is refused, where oneDNN would crash") {
    const ConvProblem p = test::conv(1, 5, 6, 16, 20, 3);
    const ConvOnednn before(p);
    const Case c(p);
    std::vector<float> packed((before.packed_bytes() + 3) / 4);
    rlimit usual{};
    REQUIRE(::getrlimit(RLIMIT_AS, &usual) == 0);
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlimit little{pages * std::size_t(::sysconf(_SC_PAGESIZE)) + (std::size_t(64) << 20), usual.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_AS, &little) == 0);
    CHECK_THROWS_AS(ConvOnednn(p), std::runtime_error);
    CHECK_THROWS_AS(before.pack(c.w.data(), c.scale.data(), packed.data()), std::runtime_error);
    REQUIRE(::setrlimit(RLIMIT_AS, &usual) == 0);
    CHECK_NOTHROW(before.pack(c.w.data(), c.scale.data(), packed.data()));
}
#endif
