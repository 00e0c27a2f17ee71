// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/backend.h"

namespace convoy::bench {

/// Timings of one piece of work, in milliseconds.
struct Samples {
    std::vector<double> ms;
    double median() const;
    double min() const;
    double max() const;
    /// {"median_ms", "min_ms", "max_ms", "samples"}
    nlohmann::json json() const;
    /// "12.3 ms (11.9 … 14.0, 20 runs)"
    std::string text() const;
};

double median_of(std::vector<double> values);

/// Runs `work` `warmup` times uncounted, then `passes` times.
Samples measure(int warmup, int passes, const std::function<void()>& work);

/// Milliseconds a batch of the network with decode and NMS, as many in flight as in a pipeline, so that a device never
/// waits for the host. Each sample lasts about a tenth of a second.
Samples time_batches(Backend& backend, int batch, int warmup, int passes);

/// Device memory that is not free, whoever uses it; 0 for a device of -1 or where there is no CUDA.
std::size_t device_bytes_in_use(int device);

/// Processor time of this process so far, of all its threads, in seconds.
double cpu_seconds();

/// Resident memory of this process now, bytes (VmRSS).
std::size_t resident_bytes();

/// Highest resident memory of this process so far, bytes (VmHWM).
std::size_t peak_resident_bytes();

}  // namespace convoy::bench
