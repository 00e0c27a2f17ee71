// SPDX-License-Identifier: MIT
//
// What the autotuner needs beside the kernels that it compares.
#pragma once

#include <cstdint>

#include "kernels/types.h"

namespace convoy::kernels::cuda {

/// Whether this build's kernels have code for the current device.
bool compiled_for_current_device();

/// Fills `count` elements with numbers between -scale and scale that depend on `seed` and the position alone.
/// Enqueued only; std::runtime_error when CUDA refuses.
void fill_noise(void* data, DataType type, std::size_t count, std::uint32_t seed, float scale, Stream stream);

/// Raises *worst (device memory, zeroed by the caller) to the largest |actual - expected| / (absolute + relative ·
/// |expected|) over the c channels of every pixel; infinity where either is no number. Same shape and type, pitches may
/// differ. Enqueued only; std::runtime_error when CUDA refuses.
void worst_error(const DeviceTensor& actual, const DeviceTensor& expected, float absolute, float relative, float* worst,
                 Stream stream);

}  // namespace convoy::kernels::cuda
