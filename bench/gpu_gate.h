// SPDX-License-Identifier: MIT
//
// Two small kernels for honest timing: one that holds a stream back, one that reads the clock of a multiprocessor.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace convoy::bench {

/// Host memory that the device sees.
struct Gate {
    int open = 0;       ///< the host sets it to let the stream go on
    int timed_out = 0;  ///< the device sets it when it has waited for too long
    float mhz = 0;      ///< of the last read_clock()
};

/// `stream` waits until gate->open is set, but never longer than `timeout_ns`.
void hold(Gate* gate, std::uint64_t timeout_ns, cudaStream_t stream);
/// Measures the clock over `ns` nanoseconds into gate->mhz.
void read_clock(Gate* gate, std::uint64_t ns, cudaStream_t stream);

}  // namespace convoy::bench
