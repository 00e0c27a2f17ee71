// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "tests/support/cuda.h"
#include "tests/support/random.h"

namespace convoy::test {

/// A tensor in device memory that is a slice of a wider one: channels first … first + c - 1 of pitch. All is NaN until
/// it is written.
class DeviceSlice {
public:
    DeviceSlice(kernels::DataType type, int n, int h, int w, int c, int pitch, int first = 0)
        : type_(type), n_(n), h_(h), w_(w), c_(c), pitch_(pitch), first_(first), memory_(elements() * size_of(type)) {}

    kernels::DeviceTensor tensor() const {
        return {static_cast<char*>(memory_.data()) + first_ * size_of(type_), type_, n_, h_, w_, c_, pitch_};
    }

    /// Random values, also in the surplus lanes. What the device sees of the slice is returned.
    OwnedTensor fill_random(std::uint64_t seed, float low = -1.f, float high = 1.f) {
        const std::vector<float> values = rounded(type_, random_floats(elements(), seed, low, high));
        std::vector<float> all(elements(), NAN);
        for (std::size_t i = 0; i < all.size(); ++i)
            if (in_vectors(i)) all[i] = values[i];
        const DeviceBytes filled = upload_as(type_, all);
        cuda_ok(cudaMemcpy(memory_.data(), filled.data(), filled.bytes(), cudaMemcpyDeviceToDevice));
        return slice_of(all);
    }

    OwnedTensor download() const { return slice_of(all()); }

    /// Whether the vectors of the slice are finite to their end, and all else is still NaN.
    bool only_vectors_written() const {
        const std::vector<float> values = all();
        for (std::size_t i = 0; i < values.size(); ++i)
            if (in_vectors(i) != bool(std::isfinite(values[i]))) return false;
        return true;
    }

private:
    std::size_t elements() const { return std::size_t(n_) * h_ * w_ * pitch_; }
    std::vector<float> all() const { return download_as_float(type_, memory_.data(), elements()); }
    bool in_vectors(std::size_t i) const {
        const int channel = int(i % std::size_t(pitch_));
        const int end = pitch_ % vector_lanes(type_) ? first_ + c_ : kernels::padded_channels(first_ + c_, type_);
        return channel >= first_ && channel < end;
    }
    OwnedTensor slice_of(const std::vector<float>& all) const {
        OwnedTensor out(n_, h_, w_, c_);
        for (std::size_t i = 0; i < out.view().pixels(); ++i)
            for (int k = 0; k < c_; ++k)
                out.view().pixel(i)[k] = all[i * std::size_t(pitch_) + std::size_t(first_ + k)];
        return out;
    }

    kernels::DataType type_;
    int n_, h_, w_, c_, pitch_, first_;
    DeviceBytes memory_;
};

constexpr kernels::DataType kTypes[] = {kernels::DataType::fp32, kernels::DataType::fp16};

/// Relative error of the rounding to `type`, on top of `own` for the arithmetic in float.
inline double relative_bound(kernels::DataType type, double own) {
    return own + (type == kernels::DataType::fp16 ? std::ldexp(1.0001, -11) : 0);
}

/// Absolute error of the rounding to `type`: half a step of its smallest numbers.
inline double absolute_bound(kernels::DataType type, double own = 0) {
    return own + (type == kernels::DataType::fp16 ? std::ldexp(1., -25) : std::ldexp(1., -149));
}

}  // namespace convoy::test
