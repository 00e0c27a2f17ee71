// SPDX-License-Identifier: MIT
//
// From what was asked for to what is there.
#pragma once

#include <optional>

#include "engine/backend.h"

namespace convoy {

/// The GPU that `options.device` means, or none: the CPU. Throws Error(usage) for what is no device, Error(unsupported)
/// for one that is not there or for a precision that it does not have. `why_none` is told why auto finds no GPU, where
/// this build has the CUDA backend.
std::optional<int> choose_device(const EngineOptions& options, std::string* why_none = nullptr);

/// The same, where the CPU will not do: Error(unsupported) then.
int choose_gpu(const EngineOptions& options);

/// How to compile for the backends. Where no batch was asked for, the CPU's is chosen for its threads.
CompileOptions cpu_compile_options(const EngineOptions& options);
CompileOptions cuda_compile_options(const EngineOptions& options, Precision precision);

/// A network made ready to run on what `options` asks for.
struct BoundBackend {
    std::unique_ptr<Backend> backend;
    int max_batch = 1;
    bool gpu = false;
    std::vector<std::string> notes;  ///< see GpuBackend::notes()
};
BoundBackend bind(const Network& network, const EngineOptions& options);
/// On a GPU, or Error(unsupported).
std::unique_ptr<GpuBackend> bind_gpu(const Network& network, const EngineOptions& options);

}  // namespace convoy
