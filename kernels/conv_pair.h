// SPDX-License-Identifier: MIT
//
// Two convolutions, one behind the other, by one kernel: what lies between them never leaves shared memory.
#pragma once

#include <memory>
#include <span>

#include "kernels/conv.h"

namespace convoy::kernels::cuda {

/// `second` reads what `first` writes, and nobody else does. Both are fp16 without an upsample; `first` has no
/// residual.
struct ConvPair {
    Conv first, second;          ///< first.y_pitch == second.x_pitch means nothing to one kernel
    bool residual_is_x = false;  ///< the second's residual is the first's x, pitch included; no other may be there
    bool operator==(const ConvPair&) const = default;
};

/// Device memory of one launch, as in ConvPointers.
struct ConvPairPointers {
    const void* x = nullptr;               ///< the first's, also the residual
    const void* first_weights = nullptr;   ///< as pack_weights() leaves them
    const float* first_bias = nullptr;     ///< (packed_k)
    const void* second_weights = nullptr;  ///< likewise
    const float* second_bias = nullptr;
    void* y = nullptr;       ///< the second's: apart from x, since blocks read their neighbours' pixels
    bool backwards = false;  ///< advice: pixels from the last to the first, with the same result
};

/// Whether there is a row for two convolutions of these shapes, on a GPU that it is made for.
bool may_be_pair(const ConvProblem& first, const ConvProblem& second);

/// A kernel made ready for one ConvPair. Launches from one thread at a time.
class PreparedConvPair {
public:
    virtual ~PreparedConvPair() = default;
    /// Enqueues only, so that it may be captured into a graph. Throws std::runtime_error when CUDA refuses.
    virtual void launch(const ConvPairPointers& pointers, Stream stream) const = 0;
};

/// A row of the table: one way to compute two convolutions at once.
struct ConvPairCandidate {
    const char* name;  ///< "wgmma_block_64"
    bool (*supports)(const ConvPair&, const DeviceCaps&);
    std::unique_ptr<PreparedConvPair> (*prepare)(const ConvPair&, const DeviceCaps&);
    /// Whether it is reckoned to be faster than the two apart.
    bool (*pays)(const ConvPair&, const DeviceCaps&);
};

/// The whole table, all kernels of ours. It is empty where none is compiled for the GPU at hand.
std::span<const ConvPairCandidate> conv_pair_candidates();

/// The row to take when nothing may be measured; null: the two are computed apart.
const char* fixed_pair_choice(const ConvPair& pair, const DeviceCaps& caps);

}  // namespace convoy::kernels::cuda
