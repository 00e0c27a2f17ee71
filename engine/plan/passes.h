// SPDX-License-Identifier: MIT
//
// Rewrites of the graph, in the order in which they run. Each leaves the graph's meaning unchanged.
#pragma once

#include <functional>
#include <vector>

#include <convoy/options.h>
#include "engine/plan/conv_pairs.h"
#include "engine/plan/graph.h"

namespace convoy {

/// What a backend's kernels can do, as far as the passes care.
struct BackendTraits {
    bool conv_takes_pitch = false;  ///< convolutions read and write channel slices in place (oneDNN's fast ones do not)
    bool conv_upsamples = false;    ///< a convolution can store each of its pixels 2x2 times
    /// Whether one kernel may compute two convolutions behind each other; null: there is none.
    MayBePair may_be_pair = nullptr;
    bool side_branches = false;      ///< what leads to a head alone may run beside what comes behind it
    int channel_alignment = 1;       ///< channels at whose multiples a slice must start; pitches are rounded up to it
    bool picture_at_a_time = false;  ///< the pictures of a batch share no arena, so it is planned for one
    std::size_t element_bytes = 4;   ///< of activations …
    bool fp32_slots = false;         ///< … but for the input and what heads read: these are fp32 in any case
};

struct PassContext {
    BackendTraits traits;
    BatchNormFormula batch_norm = BatchNormFormula::alexeyab;
};

struct Pass {
    const char* name;
    void (*run)(Graph&, const PassContext&);
};

/// Batch norm into the convolution before it, in double: scale and bias per output channel.
void fold_batchnorm(Graph& graph, const PassContext& context);
/// Activation, shortcut, the shortcut's activation and, where the backend can, a 2x upsample into the convolution's
/// epilogue.
void fuse_epilogue(Graph& graph, const PassContext& context);
/// Route by slices: producers (an upsample, say) write into their part of the concatenated tensor, groups are read in
/// place; what the backend's kernels cannot do stays a copy.
void alias_routes(Graph& graph, const PassContext& context);
/// Nodes whose results nobody reads.
void drop_unused(Graph& graph, const PassContext& context);

/// All of them in order.
const std::vector<Pass>& passes();

/// Runs every pass and verifies the graph after each. `after`, if given, is shown each stage ("lowered" first).
void run_passes(Graph& graph, const PassContext& context,
                const std::function<void(const char* stage, const Graph&)>& after = {});

}  // namespace convoy
