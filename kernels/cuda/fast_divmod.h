// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace convoy::kernels::cuda {

constexpr int ceil_div(int a, int b) { return (a + b - 1) / b; }

/// Division by what only the launch knows, as a multiplication. For dividends below 2^31.
class FastDivmod {
public:
    struct Result {
        int quotient, remainder;
    };
    FastDivmod() = default;
    explicit FastDivmod(int divisor) : divisor_(divisor) {
        while ((std::uint64_t(1) << (shift_ - 31)) < std::uint64_t(divisor)) ++shift_;
        multiplier_ = std::uint32_t((std::uint64_t(1) << shift_) / unsigned(divisor) + 1);
    }
    __device__ int divisor() const { return divisor_; }
    __device__ Result operator()(int dividend) const {
        const int quotient = int(std::uint64_t(unsigned(dividend)) * multiplier_ >> shift_);
        return {quotient, dividend - quotient * divisor_};
    }

private:
    int divisor_ = 1;
    int shift_ = 31;  // 31 + ⌈log2 divisor⌉: the rounding of the multiplier never reaches the quotient
    std::uint32_t multiplier_ = 0;
};

}  // namespace convoy::kernels::cuda
