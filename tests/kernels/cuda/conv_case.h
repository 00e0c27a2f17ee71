// SPDX-License-Identifier: MIT
//
// One convolution on the device with its expected result: random x, weights, bias and residual, each tensor a slice of
// a wider one if asked.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "kernels/conv.h"
#include "tests/kernels/conv_problems.h"
#include "tests/support/compare.h"
#include "tests/support/cuda.h"
#include "tests/support/random.h"

namespace convoy::test {

/// Where the tensors lie: vectors of 16 bytes before and after each of their pixels.
struct ConvLayout {
    int x_before = 0, x_after = 0, y_before = 0, y_after = 0;
    bool network_input = false;       ///< x has a pitch of 4
    bool residual_elsewhere = false;  ///< in a tensor of its own, with one vector before and two after; else in y
    int upsample = 1;
    bool one_picture = false;  ///< all pictures of x and of the residual are the first one
};

/// What ConvLibraries::description() says when the library of this row is missing; null when the row is ours.
inline const char* library_missing(const kernels::cuda::ConvCandidate& row) {
    const std::string name = row.name;
    return name.rfind("cudnn", 0) == 0 ? "no cuDNN" : name.rfind("cublaslt", 0) == 0 ? "no cuBLASLt" : nullptr;
}

class ConvCase {
public:
    ConvCase(const kernels::ConvProblem& problem, kernels::DataType type, const ConvLayout& layout = {})
        : problem_(problem), type_(type), layout_(layout) {
        const int lanes = kernels::vector_lanes(type);
        x_slice_ = {lanes * layout.x_before, kernels::padded_channels(problem.c, type), lanes * layout.x_after};
        if (layout.network_input) x_slice_ = {0, 4, 0};
        y_slice_ = {lanes * layout.y_before, kernels::padded_channels(problem.k, type), lanes * layout.y_after};
        residual_slice_ = layout.residual_elsewhere ? Slice{lanes, y_slice_.width, 2 * lanes} : y_slice_;

        const std::size_t outputs = std::size_t(problem.n) * problem.p() * problem.q();
        const float scale = 3 / std::sqrt(float(terms()));  // outputs of variance 1
        // Surplus lanes hold noise like all others, and only a zero weight keeps it out of the sums; what belongs to
        // other slices is large enough to show at once.
        x_ = filled(std::size_t(problem.n) * problem.h * problem.w, x_slice_, random(x_slice_.width, 1));
        w_ = rounded(type, random_floats(problem.weight_count(), 2, -scale, scale));
        bias_ = random_floats(problem.k, 3);
        residual_ = filled(outputs, residual_slice_, random(residual_slice_.width, 4));
        if (layout.one_picture) repeat_first(x_), repeat_first(residual_);
        expect();
        upload_all();
    }

    kernels::cuda::Conv conv(kernels::cuda::Math math) const {
        return {
            problem_,        math, x_slice_.pitch(), y_slice_.pitch(), problem_.residual ? residual_slice_.pitch() : 0,
            layout_.upsample};
    }

    /// Everything y's memory holds after the run, guards included, as floats. What is not written stays NaN, or the
    /// residual where that is in y.
    std::vector<float> run(const kernels::cuda::PreparedConv& kernel, void* workspace, bool backwards = false) const {
        const DeviceBytes y = upload_as(type_, y_before_);
        kernels::cuda::ConvPointers at = pointers(y, workspace);
        at.backwards = backwards;
        kernel.launch(at, nullptr);
        cuda_ok(cudaDeviceSynchronize());
        return download_as_float(type_, y.data(), y_before_.size());
    }

    /// Of so many runs one after the other, those whose bits are not the first one's. Not in place.
    int differing_runs(const kernels::cuda::PreparedConv& kernel, void* workspace, int times) const {
        const DeviceBytes y = upload_as(type_, y_before_);
        const kernels::cuda::ConvPointers at = pointers(y, workspace);
        std::vector<char> first(y.bytes()), next(y.bytes());
        int differing = 0;
        for (int i = 0; i < times; ++i) {
            kernel.launch(at, nullptr);
            cuda_ok(cudaMemcpy(i == 0 ? first.data() : next.data(), y.data(), y.bytes(), cudaMemcpyDeviceToHost));
            differing += i > 0 && next != first;
        }
        return differing;
    }

    /// Of what run() returned, the pictures whose bits are not the first one's.
    int differing_pictures(const std::vector<float>& y) const {
        const std::size_t picture = (y.size() - 2 * kGuard) / problem_.n;
        int differing = 0;
        for (int n = 1; n < problem_.n; ++n)
            differing += std::memcmp(&y[kGuard], &y[kGuard + n * picture], picture * sizeof(float)) != 0;
        return differing;
    }

    /// The worst element of a run; not ok as well when something outside of the slice has changed or a surplus lane is
    /// not finite.
    Comparison check(const std::vector<float>& y, kernels::cuda::Math math) const {
        const int p = problem_.p() * layout_.upsample, q = problem_.q() * layout_.upsample;
        const kernels::ConstTensor actual{
            y.data() + kGuard + y_slice_.before, problem_.n, p, q, problem_.k, y_slice_.pitch()};
        const kernels::ConstTensor expected{expected_.data(), problem_.n, p, q, problem_.k, problem_.k};
        Comparison result = compare(actual, expected, absolute_bound(math), relative_bound());
        for (std::size_t i = 0; i < y.size(); ++i) {
            const bool surplus = in_slice(i);  // or a channel, compared above
            if (surplus ? std::isfinite(y[i]) : y[i] == y_before_[i]) continue;
            result.ok = false;
            result.message += surplus ? "; not finite: " : "; overwritten outside of the slice: ";
            const std::ptrdiff_t at = std::ptrdiff_t(i) - kGuard;
            result.message += "pixel " + std::to_string(at / y_slice_.pitch()) + ", lane " +
                              std::to_string(at % y_slice_.pitch() - y_slice_.before);
            break;
        }
        return result;
    }

    std::string describe() const {
        return test::describe(problem_) + (type_ == kernels::DataType::fp16 ? ", fp16" : ", fp32") + ", x pitch " +
               std::to_string(x_slice_.pitch()) + ", y pitch " + std::to_string(y_slice_.pitch()) +
               (layout_.upsample > 1 ? ", upsample" : "") + (layout_.residual_elsewhere ? ", residual elsewhere" : "");
    }

private:
    static constexpr int kGuard = 64;          // elements of y's memory before and after the tensor
    static constexpr float kElsewhere = 6e4f;  // finite in fp16, too

    /// Elements of a pixel.
    struct Slice {
        int before = 0, width = 0, after = 0;
        int pitch() const { return before + width + after; }
    };

    kernels::cuda::ConvPointers pointers(const DeviceBytes& y, void* workspace) const {
        kernels::cuda::ConvPointers at;
        at.x = first_channel(*x_device_, x_slice_);
        at.weights = weights_device_->data();
        at.bias = static_cast<const float*>(bias_device_->data());
        at.y = first_channel(y, {y_slice_.before + kGuard, 0, 0});
        if (problem_.residual)
            at.residual = layout_.residual_elsewhere ? first_channel(*residual_device_, residual_slice_) : at.y;
        at.workspace = workspace;
        return at;
    }

    std::size_t terms() const { return problem_.weight_count() / problem_.k; }

    std::vector<float> random(int width, std::uint64_t seed) const {
        const std::size_t pixels = std::max(std::size_t(problem_.n) * problem_.h * problem_.w,
                                            std::size_t(problem_.n) * problem_.p() * problem_.q());
        return rounded(type_, random_floats(pixels * width, seed));
    }

    /// `pixels` of slice.pitch() elements, `values` in the slice.
    std::vector<float> filled(std::size_t pixels, const Slice& slice, const std::vector<float>& values) const {
        std::vector<float> all(pixels * slice.pitch(), rounded(type_, {kElsewhere})[0]);
        for (std::size_t i = 0; i < pixels; ++i)
            std::copy_n(&values[i * slice.width], slice.width, &all[i * slice.pitch() + slice.before]);
        return all;
    }

    void repeat_first(std::vector<float>& pictures) const {
        const std::size_t picture = pictures.size() / problem_.n;
        for (int n = 1; n < problem_.n; ++n) std::copy_n(pictures.begin(), picture, pictures.begin() + n * picture);
    }

    bool in_slice(std::size_t i) const {
        if (i < std::size_t(kGuard) || i >= y_before_.size() - kGuard) return false;
        const int lane = int((i - kGuard) % y_slice_.pitch()) - y_slice_.before;
        return lane >= 0 && lane < y_slice_.width;
    }

    void* first_channel(const DeviceBytes& memory, const Slice& slice) const {
        return static_cast<char*>(memory.data()) + slice.before * kernels::size_of(type_);
    }

    void expect() {
        const kernels::ConvProblem& p = problem_;
        const int times = layout_.upsample;
        std::vector<float> y(std::size_t(p.n) * p.p() * p.q() * p.k);
        if (p.residual)
            for (std::size_t i = 0; i < y.size(); ++i)
                y[i] = residual_[i / p.k * residual_slice_.pitch() + residual_slice_.before + i % p.k];
        const kernels::Tensor out{y.data(), p.n, p.p(), p.q(), p.k, p.k};
        kernels::cpu::conv_reference(p, {x_.data() + x_slice_.before, p.n, p.h, p.w, p.c, x_slice_.pitch()}, w_.data(),
                                     bias_.data(), out);
        for (int n = 0; n < p.n; ++n)
            for (int row = 0; row < p.p() * times; ++row)
                for (int column = 0; column < p.q() * times; ++column) {
                    const float* pixel = out.at(n, row / times, column / times);
                    expected_.insert(expected_.end(), pixel, pixel + p.k);
                }
        // y's memory as it is before a run.
        const float poison = std::numeric_limits<float>::quiet_NaN();
        const std::size_t pixels = expected_.size() / p.k;
        const bool in_place = p.residual && !layout_.residual_elsewhere;
        y_before_ =
            in_place ? residual_ : filled(pixels, y_slice_, std::vector<float>(pixels * y_slice_.width, poison));
        const std::vector<float> guard = rounded(type_, random_floats(kGuard, 5));
        y_before_.insert(y_before_.begin(), guard.begin(), guard.end());
        y_before_.insert(y_before_.end(), guard.begin(), guard.end());
    }

    void upload_all() {
        const kernels::cuda::Conv packing =
            conv(type_ == kernels::DataType::fp16 ? kernels::cuda::Math::fp16 : kernels::cuda::Math::fp32);
        std::vector<char> packed(packing.packed_elements() * kernels::size_of(type_));
        kernels::cuda::pack_weights(packing, w_.data(), nullptr, packed.data());
        weights_device_.emplace(upload(packed));
        std::vector<float> bias = bias_;
        bias.resize(packing.packed_k());
        bias_device_.emplace(upload(bias));
        x_device_.emplace(upload_as(type_, x_));
        residual_device_.emplace(upload_as(type_, residual_));
    }

    /// Partial sums of products of random sign stay below four standard deviations, and every addition is off by up to
    /// 2⁻²⁴ of them; tf32 cuts each factor to 11 bits. Two activations of slope < 1.1 follow, good to 4e-6.
    double absolute_bound(kernels::cuda::Math math) const {
        double largest = 0;  // Σ w² of a filter; |x| <= 1
        for (int k = 0; k < problem_.k; ++k) {
            double sum = 0;
            for (std::size_t i = 0; i < terms(); ++i) sum += std::pow(w_[k * terms() + i], 2);
            largest = std::max(largest, sum);
        }
        const double partial_sum = 4 * std::sqrt(largest);
        double bound = dot_bound(terms() + 8, partial_sum + 1);
        if (math == kernels::cuda::Math::tf32) bound += std::ldexp(partial_sum, -10);
        return 1.21 * bound + 4e-6;
    }
    double relative_bound() const { return 4e-6 + (type_ == kernels::DataType::fp16 ? std::ldexp(1.001, -11) : 0); }

    kernels::ConvProblem problem_;
    kernels::DataType type_;
    ConvLayout layout_;
    Slice x_slice_, y_slice_, residual_slice_;
    std::vector<float> x_, w_, bias_, residual_;  // (pixels, pitch), (K, C/groups, R, S), (K), (pixels, pitch)
    std::vector<float> expected_, y_before_;
    std::optional<DeviceBytes> x_device_, weights_device_, bias_device_, residual_device_;
};

}  // namespace convoy::test
