// SPDX-License-Identifier: MIT
//
// The CPU as a device.
#pragma once

#include <memory>

#include <convoy/options.h>
#include "engine/backend.h"
#include "engine/plan/compile.h"

namespace convoy {

/// What the CPU's kernels can do with activations of `precision` (fp32 or bf16). max_batch and the rest of the plan
/// must have been compiled with these.
BackendTraits cpu_traits(Precision precision = Precision::fp32);

/// `asked`, or what automatic means: bf16 with AMX or AVX512-BF16, else fp32. Throws Error(unsupported) for what this
/// processor does not compute in.
Precision cpu_precision(Precision asked);

/// As many threads as there are cores, or fewer where the system gives no more. Throws Error(device) without any.
int cpu_threads();

/// Pictures in one batch that keep `threads` threads (0: all cores) busy; fewer where frames are to be `quick`.
int cpu_default_batch(int threads, bool quick);

/// Convolutions by oneDNN, the rest plain loops. `threads` of OpenMP, 0 for all cores. The plan is compiled for
/// `precision`, fp32 or bf16. `name` is that of the device in `trace`, which may be null and outlives the backend.
/// Throws Error(model) when the plan has no weights.
std::unique_ptr<Backend> make_cpu_backend(Plan plan, const DetectOptions& detect, int threads, Precision precision,
                                          Trace* trace, std::string name);

}  // namespace convoy
