// SPDX-License-Identifier: MIT
//
// The tuner's check against kernels that break one rule each: the oracle, tampered with.
#include "engine/cuda/conv_check.h"

#include <cmath>
#include <functional>
#include <limits>
#include <memory>

#include "tests/kernels/conv_problems.h"
#include "tests/support/catch.h"
#include "tests/support/cuda.h"

using namespace convoy;
using kernels::ConvProblem;
using kernels::DataType;
using kernels::Stream;
using kernels::cuda::Conv;
using kernels::cuda::ConvCandidate;
using kernels::cuda::ConvLibraries;
using kernels::cuda::ConvPointers;
using kernels::cuda::Math;
using kernels::cuda::PreparedConv;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();
constexpr Math kMaths[] = {Math::fp16, Math::tf32, Math::fp32};
constexpr const char *kDiffers = "differs from the plain one", *kNoNumber = "without a number",
                     *kSurplus = "surplus lanes that are not finite", *kForeign = "outside of its slice";

/// Vectors of neighbours in each pixel of x, y and the residual; kNone: y's pitch is the residual's.
struct Room {
    int x = 0, y = 0, residual = kNone, upsample = 1;
    static constexpr int kNone = -1;
};

struct Case {
    ConvProblem problem;
    Room room = {};
    bool network_input = false;
    bool libraries = false;  ///< also for the libraries' rows, which may compile for a second each
};

ConvProblem with_residual(ConvProblem p, Activation activation, Activation after = Activation::linear) {
    p.activation = activation, p.residual = true, p.after_residual = after;
    return p;
}

const std::vector<Case>& cases() {
    using test::conv;
    const auto leaky = Activation::leaky, relu = Activation::relu;
    static const std::vector<Case> all = {
        {conv(2, 9, 7, 16, 24, 3), {}, false, true},
        {conv(1, 8, 6, 16, 24, 3), {.x = 1, .y = 2}},
        {conv(2, 5, 7, 20, 18, 1)},
        {conv(1, 6, 5, 12, 18, 3), {.x = 2, .y = 1}, false, true},
        {conv(1, 2, 300, 8, 8, 3)},  // a row is taller than a tile
        {conv(1, 1, 1, 8, 5, 1), {.y = 1}},
        {with_residual(conv(2, 7, 6, 16, 18, 3), leaky), {}, false, true},
        {with_residual(conv(1, 7, 6, 16, 20, 1), leaky, relu), {.x = 1, .y = 1}},
        {with_residual(conv(1, 7, 6, 16, 18, 3), Activation::linear), {.residual = 2}},
        {with_residual(conv(2, 6, 6, 24, 30, 1), Activation::mish), {.y = 2, .residual = 1}},
        {conv(1, 5, 4, 16, 18, 1), {.upsample = 2}},
        {conv(2, 3, 5, 16, 24, 3), {.y = 2, .upsample = 2}},
        {conv(1, 13, 11, 3, 18, 3), {.y = 1}, true},
        {conv(1, 9, 7, 20, 20, 3, 1, 20), {.x = 1, .y = 1}},
        {conv(1, 9, 8, 16, 32, 3, 1, 2), {.y = 1}},
    };
    return all;
}

Conv conv_of(const Case& c, Math math) {
    const DataType type = kernels::cuda::storage(math);
    const int lanes = kernels::vector_lanes(type), k = kernels::padded_channels(c.problem.k, type);
    Conv conv;
    conv.problem = c.problem;
    conv.math = math;
    conv.x_pitch = c.network_input ? 4 : kernels::padded_channels(c.problem.c, type) + lanes * c.room.x;
    conv.y_pitch = k + lanes * c.room.y;
    if (c.problem.residual)
        conv.residual_pitch = c.room.residual == Room::kNone ? conv.y_pitch : k + lanes * c.room.residual;
    conv.upsample = c.room.upsample;
    return conv;
}

std::string describe(const Conv& conv) {
    return test::describe(conv.problem) + ", math " + std::to_string(int(conv.math)) + ", pitches " +
           std::to_string(conv.x_pitch) + ' ' + std::to_string(conv.y_pitch) + ' ' +
           std::to_string(conv.residual_pitch) + ", upsample " + std::to_string(conv.upsample);
}

/// A place in y: `pixel` may lie before the first or behind the last.
struct Place {
    std::ptrdiff_t pixel;
    int lane;
};

/// y of one Conv, element by element. Waits for the stream where it must: such kernels are never captured.
class Output {
public:
    explicit Output(const Conv& conv)
        : conv_(conv),
          type_(kernels::cuda::storage(conv.math)),
          row_(conv.problem.q() * conv.upsample),
          pixels_(std::ptrdiff_t(conv.problem.n) * conv.problem.p() * conv.upsample * row_) {}

    std::ptrdiff_t row() const { return row_; }
    std::ptrdiff_t pixels() const { return pixels_; }
    std::size_t element_bytes() const { return kernels::size_of(type_); }
    char* at(const ConvPointers& p, Place place) const {
        return static_cast<char*>(p.y) + (place.pixel * conv_.y_pitch + place.lane) * std::ptrdiff_t(element_bytes());
    }
    void write(const ConvPointers& p, Place place, float value, Stream stream) const {
        const test::DeviceBytes bits = test::upload_as(type_, {value});
        test::cuda_ok(cudaDeviceSynchronize());  // it is in another stream that they come
        copy(at(p, place), bits.data(), element_bytes(), stream);
    }
    float read(const ConvPointers& p, Place place, Stream stream) const {
        test::cuda_ok(cudaStreamSynchronize(stream));
        return test::download_as_float(type_, at(p, place), 1)[0];
    }
    static void copy(void* to, const void* from, std::size_t bytes, Stream stream) {
        test::cuda_ok(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream));
        test::cuda_ok(cudaStreamSynchronize(stream));
    }

private:
    Conv conv_;
    DataType type_;
    std::ptrdiff_t row_, pixels_;
};

/// What is done before and after the oracle runs.
struct Tampering {
    using Step = std::function<void(ConvPointers&, Stream)>;
    std::string name;
    const char* rule;  ///< part of the fault that must be found; null: any
    Step before, after;
};

class Tampered final : public PreparedConv {
public:
    Tampered(const PreparedConv& oracle, const Tampering& tampering) : oracle_(oracle), tampering_(tampering) {}
    void launch(const ConvPointers& pointers, Stream stream) const override {
        ConvPointers p = pointers;
        if (tampering_.before) tampering_.before(p, stream);
        oracle_.launch(p, stream);
        if (tampering_.after) tampering_.after(p, stream);
    }

private:
    const PreparedConv& oracle_;
    const Tampering& tampering_;
};

std::string text(Place place) {
    return "pixel " + std::to_string(place.pixel) + ", lane " + std::to_string(place.lane);
}

bool in_place(const ConvPointers& p) { return p.residual == p.y; }

/// Every tampering that this convolution has room for.
class Tamperings {
public:
    explicit Tamperings(const Conv& conv)
        : conv_(conv), output_(conv), runs_in_place_(conv.problem.residual && conv.residual_pitch == conv.y_pitch) {}

    std::vector<Tampering> all() {
        add_stores();
        add_unwritten();
        add_values();
        add_reads();
        return std::move(all_);
    }

private:
    /// A store of `value`, in every run, and where there are two of them in either one alone.
    void add_store(const char* rule, const char* what, Place place, float value) {
        for (const bool over_residual : {false, true}) {
            if (over_residual && !runs_in_place_) continue;
            all_.push_back({std::string(what) + ": " + std::to_string(value) + " in " + text(place) +
                                (over_residual ? ", in place" : ""),
                            rule,
                            {},
                            [=, this](ConvPointers& p, Stream stream) {
                                if (in_place(p) == over_residual) output_.write(p, place, value, stream);
                            }});
        }
    }

    void add_stores() {
        const int k = conv_.problem.k, lanes = conv_.packed_k(), pitch = conv_.y_pitch;
        const std::ptrdiff_t last = output_.pixels() - 1;
        for (float value : {kNan, kInfinity, -kInfinity})
            if (lanes > k) {
                add_store(kSurplus, "surplus", {0, k}, value);
                add_store(kSurplus, "surplus", {last, lanes - 1}, value);
            }
        for (float value : {0.f, 1.f, kNan}) {
            if (pitch > lanes) {
                add_store(kForeign, "neighbour", {0, lanes}, value);
                add_store(kForeign, "neighbour", {last / 2, pitch - 1}, value);
                add_store(kForeign, "neighbour", {last, pitch - 1}, value);
            }
            add_store(kForeign, "before", {0, -1}, value);
            add_store(kForeign, "before", {-1, 0}, value);
            add_store(kForeign, "before", {-output_.row(), 0}, value);
            add_store(kForeign, "behind", {last + 1, 0}, value);
            add_store(kForeign, "behind", {last + output_.row(), lanes - 1}, value);
            add_store(kForeign, "behind", {last + 255, 0}, value);  // of the tallest tile
        }
    }

    /// What lay in `channels` of a pixel before the run lies there afterwards.
    void add_unwritten(Place place, int channels, bool over_residual, const char* rule) {
        const auto kept = std::make_shared<test::DeviceBytes>(std::size_t(channels) * output_.element_bytes());
        all_.push_back({"unwritten: " + text(place) + (over_residual ? ", in place" : ""), rule,
                        [=, this](ConvPointers& p, Stream stream) {
                            output_.copy(kept->data(), output_.at(p, place), kept->bytes(), stream);
                        },
                        [=, this](ConvPointers& p, Stream stream) {
                            if (in_place(p) != over_residual) return;
                            output_.copy(output_.at(p, place), kept->data(), kept->bytes(), stream);
                        }});
    }

    void add_unwritten() {
        const int k = conv_.problem.k;
        for (const std::ptrdiff_t pixel : {std::ptrdiff_t(0), output_.pixels() - 1}) {
            add_unwritten({pixel, 0}, 1, false, kNoNumber);
            add_unwritten({pixel, k - 1}, 1, false, kNoNumber);
            if (conv_.packed_k() > k) add_unwritten({pixel, k}, conv_.packed_k() - k, false, kSurplus);
            if (runs_in_place_) add_unwritten({pixel, 0}, k, true, kDiffers);
        }
    }

    void add_values() {
        const Place first{0, 0}, last{output_.pixels() - 1, conv_.problem.k - 1};
        for (const Place place : {first, last}) {
            add_store(kNoNumber, "value", place, kNan);
            add_store(kNoNumber, "value", place, kInfinity);
            add_store(kDiffers, "value", place, 60000.f);
            all_.push_back({"value: 5 % off in " + text(place), kDiffers, {}, [=, this](ConvPointers& p, Stream s) {
                                const float value = output_.read(p, place, s);
                                output_.write(p, place, value + .05f * (1 + std::fabs(value)), s);
                            }});
        }
    }

    /// The oracle reads from somewhere else.
    void add_reads() {
        const std::ptrdiff_t row = std::ptrdiff_t(conv_.problem.w) * conv_.x_pitch;
        const auto shifted = [this](const void* from, std::ptrdiff_t elements) {
            return static_cast<const char*>(from) + elements * std::ptrdiff_t(output_.element_bytes());
        };
        for (const std::ptrdiff_t elements : {std::ptrdiff_t(conv_.x_pitch), -row, row})
            all_.push_back({"x from " + std::to_string(elements) + " elements on",
                            nullptr,
                            [=](ConvPointers& p, Stream) { p.x = shifted(p.x, elements); },
                            {}});
        if (!conv_.problem.residual) return;
        all_.push_back({"the residual's neighbour",
                        nullptr,
                        [=, this](ConvPointers& p, Stream) { p.residual = shifted(p.residual, conv_.packed_k()); },
                        {}});
    }

    Conv conv_;
    Output output_;
    bool runs_in_place_;
    std::vector<Tampering> all_;
};

}  // namespace

TEST_CASE("GPU: the check refuses whatever breaks a rule, and says which one", "[cuda]") {
    REQUIRE_GPU();
    const DeviceScope scope(0);
    const CudaStream stream = make_stream();
    Patience patience("cuda:0");
    const kernels::cuda::DeviceCaps caps = test::current_caps();
    const ConvLibraries libraries;
    const ConvCandidate& direct = kernels::cuda::conv_candidates().front();
    for (const Math math : kMaths)
        for (const Case& c : cases()) {
            const Conv conv = conv_of(c, math);
            INFO(describe(conv));
            ConvCheck check(conv, caps, libraries, stream.get(), patience);
            const auto oracle = direct.prepare(conv, caps, libraries);
            Tamperings tamperings(conv);  // which the steps of its list refer to
            for (const Tampering& tampering : tamperings.all()) {
                INFO(tampering.name);
                const ConvCheck::Verdict verdict = check.judge(Tampered(*oracle, tampering));
                INFO("fault: " << verdict.fault << "; error " << verdict.error);
                CHECK_FALSE(verdict.fault.empty());
                if (tampering.rule) CHECK(verdict.fault.find(tampering.rule) != std::string::npos);
            }
            // Nothing of all that is left.
            CHECK(check.judge(*oracle).fault.empty());
        }
}

TEST_CASE("GPU: the check lets pass what is within the tolerance", "[cuda]") {
    REQUIRE_GPU();
    const DeviceScope scope(0);
    const CudaStream stream = make_stream();
    Patience patience("cuda:0");
    const ConvLibraries libraries;
    for (const Math math : kMaths)
        for (const Case& c : cases()) {
            const Conv conv = conv_of(c, math);
            INFO(describe(conv));
            const Output output(conv);
            const float tolerance = math == Math::fp32 ? 1e-4f : 4e-3f;
            ConvCheck check(conv, test::current_caps(), libraries, stream.get(), patience);
            const auto oracle = kernels::cuda::conv_candidates().front().prepare(conv, test::current_caps(), libraries);
            const Tampering slightly{"", nullptr, {}, [&](ConvPointers& p, Stream s) {
                                         const Place last{output.pixels() - 1, conv.problem.k - 1};
                                         const float value = output.read(p, last, s);
                                         output.write(p, last, value + .5f * tolerance * (1 + std::fabs(value)), s);
                                     }};
            const ConvCheck::Verdict verdict = check.judge(Tampered(*oracle, slightly));
            CHECK(verdict.fault == "");
            CHECK(verdict.error > .25f);
            CHECK(verdict.error < .75f);
        }
}

TEST_CASE("GPU: the check accepts every kernel on whatever it supports", "[cuda]") {
    REQUIRE_GPU();
    const DeviceScope scope(0);
    const CudaStream stream = make_stream();
    Patience patience("cuda:0");
    const kernels::cuda::DeviceCaps caps = test::current_caps();
    const ConvLibraries libraries;
    int accepted = 0;
    for (const Math math : kMaths)
        for (const Case& c : cases()) {
            const Conv conv = conv_of(c, math);
            INFO(describe(conv));
            ConvCheck check(conv, caps, libraries, stream.get(), patience);
            for (const ConvCandidate& row : kernels::cuda::conv_candidates()) {
                if ((row.library && !c.libraries) || !row.supports(conv, caps)) continue;
                INFO(row.name);
                const auto kernel = row.prepare(conv, caps, libraries);
                if (!kernel) continue;
                const ConvCheck::Verdict verdict = check.judge(*kernel);
                CHECK(verdict.fault == "");
                CHECK(verdict.error <= 1);
                ++accepted;
            }
        }
    CHECK(accepted > int(std::size(kMaths) * cases().size()));
}

TEST_CASE("ConvCheck: the memory that it says it takes is all tensors, with their guards", "[cuda]") {
    // 256 pixels before and behind each of x, y and what y is compared with; eight copies of the weights.
    const Conv dense = conv_of({test::conv(2, 9, 7, 16, 24, 3)}, Math::fp16);
    constexpr std::size_t kResult = 12;
    CHECK(ConvCheck::device_bytes(dense) ==
          2 * ((126 + 512) * 16 + 2 * (126 + 512) * 24 + 8 * 24 * 3 * 3 * 16) + 24 * 4 + kResult);
    // Two rows of 300 where these are more, in whole 32 pixels; the residual at a pitch of its own.
    const Conv residual = conv_of(
        {with_residual(test::conv(1, 2, 300, 8, 6, 1), Activation::leaky), {.y = 1, .residual = 2}}, Math::fp32);
    CHECK(ConvCheck::device_bytes(residual) ==
          4 * ((600 + 1216) * 8 + 2 * (600 + 1216) * 12 + (600 + 1216) * 16 + 8 * 8 * 8) + 8 * 4 + kResult);
    const Conv upsampled = conv_of({test::conv(1, 5, 150, 8, 8, 1), {.upsample = 2}}, Math::fp16);
    CHECK(ConvCheck::device_bytes(upsampled) ==
          2 * ((750 + 640) * 8 + 2 * (3000 + 1216) * 8 + 8 * 8 * 8) + 8 * 4 + kResult);
}
