// SPDX-License-Identifier: MIT
//
// A chain of layers that compute next to nothing: in each a block writes 2 KB, and reads what five blocks of the layer
// before have written.
#pragma once

#include <cstddef>

#include <cuda_runtime.h>

namespace convoy::bench {

constexpr int kChainLayers = 64, kChainThreads = 128;  // of a block, of which each writes 16 bytes
constexpr int kChainInstructions = 1600;               // 16 bytes each, of a long kernel
constexpr int kChainFunctions = 8;                     // at most
constexpr int kChainFlag = 32;                         // numbers from one flag to the next: a line of the cache

/// Device memory of a chain of so many blocks: x of the first layer, then every layer's y; counters, or flags of
/// blocks.
struct Chain {
    uint4* tensors;
    unsigned* counters;
    int blocks;

    std::size_t tensor() const { return std::size_t(blocks) * kChainThreads; }  // vectors
    std::size_t counters_bytes() const {
        return std::size_t(kChainLayers) * std::size_t(blocks) * kChainFlag * sizeof(unsigned);
    }
    /// Before every run: the first layer's input is there, and nothing else.
    void reset(cudaStream_t stream) const;
    /// A kernel for every layer; `dependent`: each is let in while the one before still runs.
    void run_kernels(bool dependent, cudaStream_t stream) const;
    /// The same, dependent, of kernels with more instructions: so many functions in turn.
    void run_long_kernels(int functions, cudaStream_t stream) const;
    /// One kernel for all layers, whose blocks wait until a counter says that all are done with the layer before.
    void run_by_counters(cudaStream_t stream) const;
    /// The same, where blocks wait for those alone whose values they read.
    void run_by_flags(cudaStream_t stream) const;
    /// One kernel for all layers, whose blocks read again and again what they need until all of it is there.
    void run_by_values(cudaStream_t stream) const;
};

}  // namespace convoy::bench
