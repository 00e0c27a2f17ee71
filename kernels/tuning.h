// SPDX-License-Identifier: MIT
//
// What the autotuner needs beside the kernels that it compares.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/types.h"

namespace convoy::kernels::cuda {

/// The compute capability that the code of this build's kernels is for which the current device runs: 75 where a GPU of
/// 9.0 translates PTX of 7.5, 0 where there is none for it.
int compiled_for();

/// Memory with a tensor, or a slice of a wider one, in it: `guard` elements, then `pixels` of `pitch` elements whose
/// first `lanes` are the slice's, then `guard` elements again.
struct GuardedSlice {
    std::size_t pixels = 0;
    int pitch = 1;
    int channels = 1;  ///< whose values count
    int lanes = 1;     ///< channels and the surplus up to the end of the last one's vector
    std::size_t guard = 0;

    enum class Part {
        channel,
        surplus,
        foreign,  ///< of somebody else: of a neighbouring slice, or before or behind the tensor
    };
    constexpr std::size_t elements() const { return pixels * std::size_t(pitch) + 2 * guard; }
    /// What element i < elements() is.
    constexpr Part part(std::size_t i) const {
        if (i < guard || i >= elements() - guard) return Part::foreign;
        const int lane = int((i - guard) % std::size_t(pitch));
        return lane < channels ? Part::channel : lane < lanes ? Part::surplus : Part::foreign;
    }
};

/// Fills the slice's lanes, surplus included, with numbers between -scale and scale that depend on `seed` and the
/// position alone; `data` is where the first guard begins. Enqueued only; std::runtime_error when CUDA refuses.
void fill_noise(void* data, DataType type, const GuardedSlice& where, std::uint32_t seed, float scale, Stream stream);

/// The same for `count` elements in a row.
inline void fill_noise(void* data, DataType type, std::size_t count, std::uint32_t seed, float scale, Stream stream) {
    fill_noise(data, type, GuardedSlice{.pixels = count}, seed, scale, stream);
}

/// The byte that fills what a kernel must not write: NaN in either type, and none that arithmetic yields.
constexpr int kPoison = 0xff;

/// How an output breaks the rules of ConvPointers::y.
struct OutputFaults {
    float worst = 0;       ///< largest |actual - expected| / (absolute + relative · |expected|) of a channel; infinity
                           ///< where either is no number
    unsigned surplus = 0;  ///< surplus lanes that are not finite
    unsigned foreign = 0;  ///< foreign elements that are no longer poison
};

/// Adds what is wrong with `actual` to *faults (device memory, zeroed by the caller). Both outputs lie as `where` says,
/// guards included. Enqueued only; std::runtime_error when CUDA refuses.
void find_faults(const void* actual, const void* expected, DataType type, const GuardedSlice& where, float absolute,
                 float relative, OutputFaults* faults, Stream stream);

}  // namespace convoy::kernels::cuda
