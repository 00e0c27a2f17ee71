// SPDX-License-Identifier: MIT
//
// One convolution and every row of the table that computes it: checked against the oracle, then timed in turns.
#pragma once

#include <regex>
#include <string>

#include "bench/gpu_harness.h"
#include "kernels/conv_pair.h"

namespace convoy::bench {

/// A row of the table on one convolution.
struct RowTiming {
    std::string row;
    bool library = false;  ///< not a kernel of ours
    float error = 0;       ///< largest difference from the oracle, as a share of what is tolerated
    std::string fault;     ///< why it does not serve, after its name; empty when it does
    std::size_t workspace = 0;
    GpuSamples samples;  ///< empty when the row was wrong or far behind

    bool timed() const { return !samples.us.empty(); }
    double us() const { return samples.median(); }
};

struct RowChoice {
    std::regex name;      ///< rows to look at
    bool oracle = false;  ///< time the oracle, too, where kernels of ours serve as well
    int warmup = 3, rounds = 20;
};

class ConvRunner {
public:
    ConvRunner(GpuHarness& harness, const kernels::cuda::ConvLibraries& libraries)
        : harness_(harness), libraries_(libraries) {}

    /// Rows that serve, in the table's order.
    std::vector<RowTiming> run(const kernels::cuda::Conv& conv, const RowChoice& choice);
    /// The same of kernels that compute two convolutions.
    std::vector<RowTiming> run(const kernels::cuda::ConvPair& pair, const RowChoice& choice);
    /// Floating-point operations per second of the fastest row on a matrix product of 8192 a side.
    double peak_flops(kernels::cuda::Math math, int rounds);

private:
    GpuHarness& harness_;
    const kernels::cuda::ConvLibraries& libraries_;
};

/// Bytes that a convolution has to move: every tensor once, the surplus channels included.
double bytes_moved(const kernels::cuda::Conv& conv);

}  // namespace convoy::bench
