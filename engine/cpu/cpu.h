// SPDX-License-Identifier: MIT
//
// The CPU as a device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <convoy/options.h>
#include "engine/backend.h"
#include "engine/plan/compile.h"

namespace convoy {

/// Batches in flight: one in the network, one that is being filled or the next.
constexpr int kCpuSlots = 2;

/// What the CPU's kernels can do with activations of `precision` (fp32 or bf16). max_batch and the rest of the plan
/// must have been compiled with these.
BackendTraits cpu_traits(Precision precision = Precision::fp32);

/// `asked`, or what automatic means: bf16 with AMX or AVX512-BF16, else fp32. Throws Error(unsupported) for what this
/// processor does not compute in.
Precision cpu_precision(Precision asked);

/// As many threads as there are cores, or fewer where the system gives no more. Throws Error(device) without any.
int cpu_threads();

/// Pictures in one batch that keep `threads` threads (0: all cores) busy, if there are so many as `frames` says; few
/// with more threads each if there are fewer.
int cpu_batch(int threads, std::int64_t frames);
/// Bytes of activations and batches in flight.
std::size_t cpu_memory(const Plan& plan, int threads);

/// Convolutions by oneDNN, the rest plain loops. `threads` of OpenMP, 0 for all cores. The plan is compiled for
/// `precision`, fp32 or bf16. `name` is that of the device in `trace`, which may be null and outlives the backend.
/// With `same_bits` a picture is computed in the same way whatever shares its batch.
/// Throws Error(model) when the plan has no weights.
std::unique_ptr<Backend> make_cpu_backend(Plan plan, const DetectOptions& detect, int threads, Precision precision,
                                          Trace* trace, std::string name, bool same_bits);

}  // namespace convoy
