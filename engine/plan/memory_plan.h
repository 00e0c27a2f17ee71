// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

#include "engine/plan/conv_pairs.h"
#include "engine/plan/graph.h"
#include "engine/plan/side_branches.h"

namespace convoy {

/// Where every tensor lives. Intermediates share one arena by their live ranges; the input and what the heads read
/// belong to a slot, so that the next batch can be prepared, and the last one decoded, while the network runs.
struct MemoryPlan {
    enum class Home { arena, slot };
    struct Block {
        Home home = Home::arena;
        std::size_t offset = 0;  ///< bytes, a multiple of kAlignment
        std::size_t bytes = 0;
        int first = 0, last = 0;  ///< indices of the nodes that write it first and read it last
    };
    static constexpr std::size_t kAlignment = 64;

    std::vector<Graph::Place> places;  ///< by TensorId
    std::vector<int> pitch;            ///< by TensorId of a root: elements between neighbouring pixels
    std::vector<int> block_of;         ///< by TensorId of a root; -1 for slices and unused tensors
    std::vector<Block> blocks;
    std::size_t arena_bytes = 0;     ///< peak of the intermediates
    std::size_t slot_bytes = 0;      ///< per slot
    std::size_t unshared_bytes = 0;  ///< what the arena would need without sharing

    const Block& block(TensorId t) const { return blocks[block_of[places[t].root]]; }
};

/// What a number takes.
struct ElementBytes {
    std::size_t arena, slot;
};

/// A convolution's residual that dies there gives its memory to the output (the epilogue adds in place).
/// `keep_all` gives every tensor memory of its own, so that each layer's output can be looked at afterwards.
/// What the first of a pair reads stays until the second has been computed, whose output lies elsewhere: one kernel
/// reads the first's input while it writes the second's output. What a side branch reads or writes stays until the end,
/// since nobody knows when the branch is done. The arena holds `arena_batch` pictures at a time, a
/// slot `slot_batch`. Pitches are the channels rounded up to `channel_alignment`; the input's to 4 at most, for what
/// has 4 channels or fewer.
MemoryPlan plan_memory(const Graph& graph, int arena_batch, int slot_batch, ElementBytes bytes,
                       int channel_alignment = 1, bool keep_all = false, const std::vector<ConvPairNodes>& pairs = {},
                       const std::vector<NodeRange>& side_branches = {});

}  // namespace convoy
